"""Tests in a headless Chromium: the nox session ``web`` runs them."""
