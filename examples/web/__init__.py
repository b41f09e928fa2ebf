"""A labeling web app to copy: FastAPI over itagflow, and one HTML page without a build step.

``python -m examples.web`` starts it with demo data; ``docs/web-app.md`` explains its parts:

- `app`: puts the parts together
- `sessions`: who signs in, and the cookie that says so afterwards
- `guards`: what every request and response has to obey
- `work`: the three pages of those who label, inspect and accept
- `manage`: the page of those who order the work
- `media`: images and sounds from a folder
- `demo`: the data of the demonstration
- ``static``: the page, its style and its scripts
"""
