"""The library for programs on asyncio: every verb of `itagflow.Flow` can be awaited.

>>> import asyncio
>>> import itagflow.aio
>>> async def main():
...     async with itagflow.aio.open("memory:") as flow:
...         street = await flow.workspaces.create("street", admin="ada")
...         return [member.account async for member in flow.members.list(street)]
>>> asyncio.run(main())
['ada']

An `AsyncFlow` has the verbs and namespaces of a `Flow`, with the same arguments.  A verb that
returns something is awaited, and one that yields is gone through with ``async for``.  The work is
done in a few threads: the event loop goes on meanwhile.
"""

from itagflow.aio.flow import AsyncFlow
from itagflow.aio.items import AsyncItems
from itagflow.aio.opening import AsyncOpening, open

__all__ = ["AsyncFlow", "AsyncItems", "AsyncOpening", "open"]
