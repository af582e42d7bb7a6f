"""Region of interest: where to look, crop and paste."""

from ultraref.models.roi.base import BaseROICropper
from ultraref.models.roi.geometry import crop_to_frame, frame_to_crop, resize_box, whole_frame
from ultraref.models.roi.lesion import LesionROICropper

__all__ = ["BaseROICropper", "LesionROICropper", "crop_to_frame", "frame_to_crop", "resize_box", "whole_frame"]
