"""The Virtual Observatory's protocol for questions (TAP), with what ESA's archives add to it."""
