# Run the experiments at a scale (full, long) and write their figures into docs/promises.md, missed ones too.
set -u
SUBSTRACK_CHAOS=$1
SUBSTRACK_CHAOS_FIGURES=$(mktemp)
export SUBSTRACK_CHAOS SUBSTRACK_CHAOS_FIGURES
$PYTEST tests/chaos tests/services/test_ledger_machine.py --timeout 0 --durations 15
status=$?
$PYTHON -m tests.chaos.figures
rm -f "$SUBSTRACK_CHAOS_FIGURES"
exit $status
