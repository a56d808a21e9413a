"""`import`: a file into records by one call, and the report that tools depend on."""
def test_new_rows_are_created_and_the_same_file_again_changes_nothing(put, kept):
    content = "Email,Name,Country\nada@example.com,Ada,DE\nbob@example.com,Bob,FR\n"

    first, second = put("customers", content), put("customers", content)

    assert first == {"status": "done", "rows": 2, "created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 0,
                     "errors": []}
    assert second == first | {"created": 0, "unchanged": 2}
    assert [(row["email"], row["name"], row["version"]) for row in kept("customers")] == [
        ("ada@example.com", "Ada", 1), ("bob@example.com", "Bob", 1)]
