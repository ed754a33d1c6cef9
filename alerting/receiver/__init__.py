"""The receiver: takes alerts, journals them, acts, and looks whether it helped."""
