"""What an operator writes into `options` of a site."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, SecretStr


class Options(BaseModel):
    """api_url: of the API, without a slash at its end. account: whom the token belongs to."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_url: str
    token: SecretStr
    account: str = "syncd"
