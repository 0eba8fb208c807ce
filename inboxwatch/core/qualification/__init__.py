"""What an inquiry is about and what it is worth: classes, people's verdicts, scores (rules 41 to 54). Pure."""
