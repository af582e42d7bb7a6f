"""Runs a protocol: from raw images to tested models, over sets, folds and variants, as a graph of steps.

Like `ultraref.apis` this is what commands call. What a second call needs that finds everything finished imports neither torch
nor the recipes' components.
"""
