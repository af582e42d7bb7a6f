"""Pictures and numbers to judge data, trainings, cases and models by."""
