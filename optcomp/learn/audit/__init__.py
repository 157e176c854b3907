"""The audit of a history: does pay follow results, or luck, or the book? No verdict on a person."""
