"""A trained model on images that belong to no data set: files in, masks and measurements out."""
