"""A way to pay knows whom it pays; what was known until now pays whom its group pays at present."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# What was left as it was when the payer changed has been shown as the new one's: who pays there goes on.
PAID = """
    UPDATE pay_methods SET payer_id = (SELECT groups.payer_id FROM groups WHERE groups.id = pay_methods.group_id)
"""


def upgrade() -> None:
    with op.batch_alter_table("pay_methods") as methods:
        methods.add_column(sa.Column("payer_id", BIG, nullable=True))
        methods.create_foreign_key(op.f("fk_pay_methods_payer_id"), "contacts", ["payer_id"], ["id"])
    op.execute(PAID)
    with op.batch_alter_table("pay_methods") as methods:
        methods.alter_column("payer_id", existing_type=BIG, nullable=False)
        methods.drop_constraint(op.f("uq_pay_methods_group_id_position"), type_="unique")
        methods.create_unique_constraint(
            op.f("uq_pay_methods_group_id_payer_id_position"), ["group_id", "payer_id", "position"]
        )
