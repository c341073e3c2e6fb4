"""The contract with clients, as pydantic models; ``/openapi.json`` is made from them."""
