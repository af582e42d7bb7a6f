"""The sub-commands of `ultraref analyse`: what data, trainings, cases and models look like."""
