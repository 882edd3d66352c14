"""Does the future reach the past? The check, what it sees, and the usual mistakes."""
