"""The demo command: digits read pixel by pixel, or a forecaster on a user's own table."""
