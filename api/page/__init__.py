"""The page at ``/``: a front end of plain files, which talks to the API as any other client does."""

from api.page.views import blueprint

__all__ = ["blueprint"]
