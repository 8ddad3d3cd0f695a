"""Two peers of aiortc that see each other through a relay only.

Takes a JSON list of two lists of ICE servers on standard input, one for each peer. Says on standard output, as one line
of JSON, of what type each peer's candidates were, what came back over a data channel, and how many frames of sound each
peer heard. Ends when all that has arrived, or with an error when it does not in time.
"""

import asyncio
import json
import sys

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
)
from aiortc.mediastreams import AudioStreamTrack

FRAMES = 25
SECONDS_MAX = 40
GREETING = "héllo, ünïcode " * 50


def peer(ice_servers):
    """A peer that may speak through the first of its TURN servers only: aiortc takes no more than one."""
    servers = [RTCIceServer(**server) for server in ice_servers]
    policy = RTCIceTransportPolicy.RELAY
    return RTCPeerConnection(RTCConfiguration(iceServers=servers, iceTransportPolicy=policy))


async def hear(connection):
    """Counts the frames that the other peer sends, until there are enough."""
    track = asyncio.get_running_loop().create_future()
    connection.on("track", track.set_result)
    frames = 0
    while frames < FRAMES:
        await (await track).recv()
        frames += 1
    return frames


def candidate_types(connection):
    lines = connection.localDescription.sdp.splitlines()
    candidates = (line.split() for line in lines if line.startswith("a=candidate:"))
    return sorted({words[words.index("typ") + 1] for words in candidates})


async def converse(caller, callee):
    channel = caller.createDataChannel("greetings")
    came_back = asyncio.get_running_loop().create_future()
    channel.on("open", lambda: channel.send(GREETING))
    channel.on("message", came_back.set_result)

    @callee.on("datachannel")
    def echo(theirs):
        theirs.on("message", theirs.send)

    for connection in (caller, callee):
        connection.addTrack(AudioStreamTrack())
    hearing = [asyncio.ensure_future(hear(connection)) for connection in (caller, callee)]
    await caller.setLocalDescription(await caller.createOffer())
    await callee.setRemoteDescription(caller.localDescription)
    await callee.setLocalDescription(await callee.createAnswer())
    await caller.setRemoteDescription(callee.localDescription)
    return {
        "candidates": [candidate_types(connection) for connection in (caller, callee)],
        "isGreetingBack": await came_back == GREETING,
        "frames": await asyncio.gather(*hearing),
    }


async def main():
    caller, callee = (peer(servers) for servers in json.load(sys.stdin))
    try:
        print(json.dumps(await asyncio.wait_for(converse(caller, callee), SECONDS_MAX)))
    finally:
        await asyncio.gather(caller.close(), callee.close())


asyncio.run(main())
