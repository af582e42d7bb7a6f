"""Overlays: size, colours where they belong, and frames of prompts."""

import numpy as np
import torch
from mmengine.structures import BaseDataElement

from ultraref.structures import SegDataSample
from ultraref.visualization.overlay import POSITIVE, REFINED, draw_overlay


def prediction(size=64, **metainfo):
    sample = SegDataSample(metainfo=dict(name="x", ori_shape=(64, 96), **metainfo))
    truth, refined = torch.zeros(1, size, size), torch.zeros(1, size, size)
    truth[:, 8:40, 8:40] = 1
    refined[:, 24:56, 8:40] = 1
    sample.set_pixels("gt_sem_seg", truth)
    sample.set_pixels("coarse", truth)
    sample.set_pixels("refined", refined)
    sample.set_pixels("gate", torch.full((1, size, size), 0.25))
    return sample


def test_panels_keep_the_original_aspect():
    picture = draw_overlay(np.zeros((64, 64), np.uint8), prediction(), height=128)
    assert picture.shape == (128, 4 * 192, 3)
    assert picture.dtype == np.uint8


def test_predicted_dice_is_written_below_the_outlines():
    image = np.zeros((64, 64), np.uint8)
    without, written = (
        draw_overlay(image, prediction(**meta)) for meta in ({}, dict(predicted_dice=(0.7, 0.8), predicted_harm=0.25))
    )
    differs = (without != written).any(axis=(0, 2)).nonzero()[0]
    assert 480 <= differs.min() <= differs.max() < 960


def test_error_panel_marks_missed_and_false_pixels():
    picture = draw_overlay(np.zeros((64, 64), np.uint8), prediction(), height=128)
    error = picture[:, 3 * 192 :]
    # The frame of 64 px is drawn 2 px a pixel along y and 3 along x; row 16 is truth alone, row 48 refined alone.
    assert tuple(error[2 * 16, 3 * 24]) == POSITIVE
    assert tuple(error[2 * 48, 3 * 24]) == REFINED


def test_points_land_in_the_image():
    sample = prediction()
    roi = torch.tensor([[15.5, 15.5, 47.5, 47.5]])
    box = torch.tensor([[10.0, 10.0, 50.0, 50.0]])
    sample.prompts = BaseDataElement(points=torch.tensor([[31.5, 31.5]]), labels=torch.ones(1), roi=roi, box=box)
    picture = draw_overlay(np.zeros((64, 64), np.uint8), sample, height=128)
    outlines = picture[:, 192 : 2 * 192]
    assert tuple(outlines[63, 95]) == POSITIVE


def test_image_alone_gives_image_and_outlines():
    sample = SegDataSample(metainfo=dict(name="x"))
    assert draw_overlay(np.full((10, 20), 7, np.uint8), sample, height=10).shape == (10, 40, 3)
