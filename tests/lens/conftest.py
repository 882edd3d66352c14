"""Makes by_hand.py as importable as a module of one's own would be."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
