"""The sub-commands of `ultraref convert`, one data set or layout a file."""
