"""The data dictionary is the contracts."""

from common.contracts import all_contracts, contract
from common.dictionary import FILE, dictionary
from common.staging.feeds import ORDERS, RECEIPTS, STOCK


def test_the_dictionary_in_docs_is_the_one_that_the_contracts_give():
    assert FILE.read_text(encoding="utf-8") == dictionary(), "run ./submit.sh dictionary --write"


def test_every_name_of_a_raw_file_is_in_it():
    """And the contract names what staging reads, no more and no less; an order of JSON Lines nests its lines."""
    text = dictionary()
    for feed in (ORDERS, STOCK, RECEIPTS):
        columns = contract(feed.table).raw.columns
        assert set(columns) - {"lines"} == set(feed.kinds)
        assert all(f"| `{name}` | {holds} |" in text for name, holds in columns.items())
    assert "lines" in contract(ORDERS.table).raw.columns


def test_every_column_is_in_it():
    text = dictionary()
    for each in all_contracts():
        for column in each.columns:
            assert f"| `{column.name}` | {column.type} |" in text
