from __future__ import annotations
from tests.api.house import Client
def test_one(client: Client) -> None:
    for row in client.house.door.routes:
        if row.method=="GET" and "{" not in row.path:
            r=client.ask("GET",row.path,"operator"); print(row.path, r.status_code,r.text[:300])
    print([x for x in client.house.log if x[0]!="answered"])
    assert 0
