"""The data dictionary is the contracts."""

from common.contracts import all_contracts
from common.dictionary import FILE, dictionary


def test_the_dictionary_in_docs_is_the_one_that_the_contracts_give():
    assert FILE.read_text(encoding="utf-8") == dictionary(), "run ./submit.sh dictionary --write"


def test_every_column_is_in_it():
    text = dictionary()
    for contract in all_contracts():
        for column in contract.columns:
            assert f"| `{column.name}` | {column.type} |" in text
