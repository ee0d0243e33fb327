"""The chat before the present one stands in the notice that told it, so that several are kept."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("addresses") as addresses:
        addresses.drop_column("former_value")
        addresses.drop_column("replaced_at")
