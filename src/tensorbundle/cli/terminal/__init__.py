"""The terminal: tables, trees, numbers and progress as they are printed."""
