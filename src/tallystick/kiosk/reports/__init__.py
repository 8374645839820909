"""What the law wants told: large cash, suspicion, places, records kept; and a person's history."""
