"""What people and systems say of answers: checked at the door, kept as facts."""
