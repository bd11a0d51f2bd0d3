"""Tar and zip files of products, taken apart without harm."""
