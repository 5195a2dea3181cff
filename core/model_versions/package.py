"""The download of a model: its checkpoint and its card in one archive."""

import io
import shutil
import zipfile

from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.base import storage
from core.base.errors import NotFound
from core.model_versions.card import model_card
from core.model_versions.card_text import card_markdown
from core.model_versions.versions import open_checkpoint

CARD_NAME = "MODEL_CARD.md"


def package_name(session: Session, user: CurrentUser, model_id: int) -> str:
    """File name of a model's archive."""
    _, checkpoint_name = open_checkpoint(session, user, model_id)
    return f"{checkpoint_name.removesuffix('.pt')}.zip"


def package_model(session: Session, user: CurrentUser, model_id: int) -> bytes:
    """The archive of a model; `NotFound` if its checkpoint is gone."""
    path, checkpoint_name = open_checkpoint(session, user, model_id)
    if not storage.exists(path):
        raise NotFound("checkpoint")
    card = card_markdown(model_card(session, user, model_id), checkpoint_name)
    buffer = io.BytesIO()
    # Weights hardly compress, so they are stored as they are, which takes no time.
    with zipfile.ZipFile(buffer, "w") as archive:
        with storage.open_file(path) as source, archive.open(checkpoint_name, "w") as target:
            shutil.copyfileobj(source, target)
        archive.writestr(CARD_NAME, card, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
