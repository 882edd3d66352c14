"""From a file or a frame to rows on one regular grid: columns, time stamps, frequency."""
