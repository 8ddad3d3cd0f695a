// Written by `cargo xtask gen` from ../samples. Do not edit.
import type { ClientFrameOf, ServerFrameOf, components } from '../src/index.js';

type Schemas = components['schemas'];

export const bodies = {
  AddAppKeyAnswer: {
    "key": {
      "createdAt": "2026-11-21T10:02:03.004Z",
      "generation": 1,
      "goodUntil": null,
      "key": "legacy",
      "kind": "imported"
    }
  } satisfies Schemas['AddAppKeyAnswer'],
  AddAppKeyRequest: {
    "key": "legacy",
    "secret": "JViE5vDor0Sw3WllZka15Q=="
  } satisfies Schemas['AddAppKeyRequest'],
  AppAnswer: {
    "app": {
      "createdAt": "2026-11-21T10:02:03.004Z",
      "disabledAt": null,
      "key": "shop",
      "name": "Shop",
      "settings": {
        "accessTokenSignIn": false,
        "allowedOrigins": [],
        "directory": "contacts",
        "jwtIssuers": [],
        "jwtSignIn": true,
        "openSignIn": false,
        "passwordSignIn": false,
        "register": false,
        "relayOnly": false,
        "renewWithoutCredential": false,
        "ringSeconds": 60,
        "sandbox": false,
        "sessionLifeMaxSeconds": 2592000,
        "sessionsPerUserMax": 10,
        "ticketAgeMaxSeconds": 3600,
        "ticketSignIn": true
      }
    }
  } satisfies Schemas['AppAnswer'],
  AppUser: {
    "blockedAt": null,
    "createdAt": "2026-11-21T10:02:03.004Z",
    "id": "ann",
    "identities": [
      {
        "assertedBy": "backend",
        "type": "username",
        "value": "ann"
      },
      {
        "assertedBy": "self",
        "type": "email",
        "value": "ann@example.com"
      }
    ],
    "lastSeenAt": "2026-11-21T10:02:03.004Z"
  } satisfies Schemas['AppUser'],
  ChangePasswordRequest: {
    "currentPassword": "correct horse battery",
    "newPassword": "staple of the harbour"
  } satisfies Schemas['ChangePasswordRequest'],
  CreateAppAnswer: {
    "app": {
      "createdAt": "2026-11-21T10:02:03.004Z",
      "disabledAt": null,
      "key": "shop",
      "name": "Shop",
      "settings": {
        "accessTokenSignIn": false,
        "allowedOrigins": [],
        "directory": "contacts",
        "jwtIssuers": [],
        "jwtSignIn": true,
        "openSignIn": false,
        "passwordSignIn": false,
        "register": false,
        "relayOnly": false,
        "renewWithoutCredential": false,
        "ringSeconds": 60,
        "sandbox": false,
        "sessionLifeMaxSeconds": 2592000,
        "sessionsPerUserMax": 10,
        "ticketAgeMaxSeconds": 3600,
        "ticketSignIn": true
      }
    },
    "secret": "JViE5vDor0Sw3WllZka15Q=="
  } satisfies Schemas['CreateAppAnswer'],
  CreateAppRequest: {
    "key": "shop",
    "name": "Shop",
    "settings": {
      "allowedOrigins": [
        "https://shop.example.com"
      ]
    }
  } satisfies Schemas['CreateAppRequest'],
  CreateUserRequest: {
    "identities": [
      {
        "type": "email",
        "value": "ann@example.com"
      }
    ],
    "userId": "ann"
  } satisfies Schemas['CreateUserRequest'],
  EndCallRequest: {
    "reason": "hang_up"
  } satisfies Schemas['EndCallRequest'],
  ErrorAnswer: {
    "error": {
      "code": "invalid_request",
      "details": {
        "path": "to"
      },
      "message": "to: give exactly one of userId and conversationId",
      "requestId": "req_4mz0q8",
      "retry": "never"
    }
  } satisfies Schemas['ErrorAnswer'],
  IceConfiguration: {
    "expiresAt": "2026-11-21T10:12:03.004Z",
    "iceServers": [
      {
        "credential": null,
        "urls": [
          "stun:calls.example.com:3478"
        ],
        "username": null
      },
      {
        "credential": "9mTVw1bJZkQ4p0xGDu6fQ7Zl3f2cYkK1c8Yl0bQmN5E=",
        "urls": [
          "turn:calls.example.com:3478?transport=udp",
          "turn:calls.example.com:3478?transport=tcp",
          "turns:calls.example.com:443?transport=tcp"
        ],
        "username": "1795257123:ses_4t6b0d5k3m:1.cal-5f2e8a90"
      }
    ],
    "iceTransportPolicy": "all"
  } satisfies Schemas['IceConfiguration'],
  IssueAccessTokenRequest: {
    "expiresIn": 2592000
  } satisfies Schemas['IssueAccessTokenRequest'],
  IssueTicketRequest: {
    "expiresIn": 3600
  } satisfies Schemas['IssueTicketRequest'],
  IssuedAccessToken: {
    "accessToken": {
      "createdAt": "2026-11-21T10:02:03.004Z",
      "expiresAt": "2026-11-21T10:02:03.004Z",
      "id": "tok_7w2k9m4x1c3v5b8n",
      "prefix": "cba_4nQx7R"
    },
    "token": "cba_4nQx7R…"
  } satisfies Schemas['IssuedAccessToken'],
  IssuedTicket: {
    "ticket": "eyJpZ…:9Xk…"
  } satisfies Schemas['IssuedTicket'],
  LinkIdentityRequest: {
    "move": true,
    "type": "email",
    "value": "ann@example.com"
  } satisfies Schemas['LinkIdentityRequest'],
  Page_AccessToken: {
    "items": [
      {
        "createdAt": "2026-11-21T10:02:03.004Z",
        "expiresAt": "2026-11-21T10:02:03.004Z",
        "id": "tok_7w2k9m4x1c3v5b8n",
        "prefix": "cba_4nQx7R"
      }
    ],
    "nextCursor": "bmV4dA"
  } satisfies Schemas['Page_AccessToken'],
  Page_App: {
    "items": [
      {
        "createdAt": "2026-11-21T10:02:03.004Z",
        "disabledAt": null,
        "key": "shop",
        "name": "Shop",
        "settings": {
          "accessTokenSignIn": false,
          "allowedOrigins": [],
          "directory": "contacts",
          "jwtIssuers": [],
          "jwtSignIn": true,
          "openSignIn": false,
          "passwordSignIn": false,
          "register": false,
          "relayOnly": false,
          "renewWithoutCredential": false,
          "ringSeconds": 60,
          "sandbox": false,
          "sessionLifeMaxSeconds": 2592000,
          "sessionsPerUserMax": 10,
          "ticketAgeMaxSeconds": 3600,
          "ticketSignIn": true
        }
      }
    ],
    "nextCursor": "bmV4dA"
  } satisfies Schemas['Page_App'],
  Page_AppUser: {
    "items": [
      {
        "blockedAt": null,
        "createdAt": "2026-11-21T10:02:03.004Z",
        "id": "ann",
        "identities": [
          {
            "assertedBy": "backend",
            "type": "username",
            "value": "ann"
          },
          {
            "assertedBy": "self",
            "type": "email",
            "value": "ann@example.com"
          }
        ],
        "lastSeenAt": "2026-11-21T10:02:03.004Z"
      }
    ],
    "nextCursor": "bmV4dA"
  } satisfies Schemas['Page_AppUser'],
  Page_AuditEntry: {
    "items": [
      {
        "action": "app.updated",
        "actor": "operator",
        "appKey": "shop",
        "at": "2026-11-21T10:02:03.004Z",
        "details": {
          "settings": {
            "directory": "everyone"
          }
        },
        "subject": "shop"
      }
    ],
    "nextCursor": "bmV4dA"
  } satisfies Schemas['Page_AuditEntry'],
  Page_Conversation: {
    "items": [
      {
        "createdAt": "2026-11-21T10:02:03.004Z",
        "id": "cnv_7h2j4k6m8n0p",
        "lastMessage": {
          "conversationId": "cnv_7h2j4k6m8n0p",
          "createdAt": "2026-11-21T10:02:03.004Z",
          "id": "msg_5d8f0a2c4e6b",
          "position": 12,
          "recipientId": "bob",
          "senderId": "ann",
          "text": "Are you there?"
        },
        "lastPosition": 12,
        "members": [
          {
            "conversationId": "cnv_7h2j4k6m8n0p",
            "deliveredUpTo": 12,
            "readUpTo": 11,
            "userId": "bob"
          }
        ],
        "unreadCount": 1,
        "updatedAt": "2026-11-21T10:02:03.004Z"
      }
    ],
    "nextCursor": "bmV4dA"
  } satisfies Schemas['Page_Conversation'],
  Page_DirectoryEntry: {
    "items": [
      {
        "presence": {
          "lastSeenAt": null,
          "status": "online",
          "userId": "bob"
        },
        "user": {
          "createdAt": "2026-11-21T10:02:03.004Z",
          "id": "bob"
        }
      }
    ],
    "nextCursor": "bmV4dA"
  } satisfies Schemas['Page_DirectoryEntry'],
  Page_ListedAppKey: {
    "items": [
      {
        "createdAt": "2026-11-21T10:02:03.004Z",
        "generation": 1,
        "goodUntil": null,
        "key": "legacy",
        "kind": "imported"
      }
    ],
    "nextCursor": "bmV4dA"
  } satisfies Schemas['Page_ListedAppKey'],
  Page_ListedSession: {
    "items": [
      {
        "connected": true,
        "current": true,
        "session": {
          "createdAt": "2026-11-21T10:02:03.004Z",
          "credential": "ticket",
          "device": {
            "appVersion": null,
            "id": null,
            "name": null,
            "platform": "web"
          },
          "expiresAt": "2026-11-21T10:02:03.004Z",
          "id": "ses_0c9k2m4n6p8r",
          "lastUsedAt": "2026-11-21T10:02:03.004Z"
        }
      }
    ],
    "nextCursor": "bmV4dA"
  } satisfies Schemas['Page_ListedSession'],
  Page_Message: {
    "items": [
      {
        "conversationId": "cnv_7h2j4k6m8n0p",
        "createdAt": "2026-11-21T10:02:03.004Z",
        "id": "msg_5d8f0a2c4e6b",
        "position": 12,
        "recipientId": "bob",
        "senderId": "ann",
        "text": "Are you there?"
      }
    ],
    "nextCursor": "bmV4dA"
  } satisfies Schemas['Page_Message'],
  Page_OwnIdentity: {
    "items": [
      {
        "assertedBy": "self",
        "createdAt": "2026-11-21T10:02:03.004Z",
        "type": "email",
        "value": "ann@example.com"
      }
    ],
    "nextCursor": "bmV4dA"
  } satisfies Schemas['Page_OwnIdentity'],
  Page_Setting: {
    "items": [
      {
        "default": true,
        "kind": "switch",
        "max": null,
        "min": null,
        "name": "ticketSignIn",
        "sentence": "Tickets that the app's backend signed open sessions.",
        "words": null
      }
    ],
    "nextCursor": "bmV4dA"
  } satisfies Schemas['Page_Setting'],
  PasswordReset: {
    "expiresAt": "2026-11-21T10:02:03.004Z",
    "token": "cbr_Zt81c…"
  } satisfies Schemas['PasswordReset'],
  RegisterAnswer: {
    "password": "cbd_x9R…",
    "secret": "9J2s…",
    "session": {
      "createdAt": "2026-11-21T10:02:03.004Z",
      "credential": "ticket",
      "device": {
        "appVersion": null,
        "id": null,
        "name": null,
        "platform": "web"
      },
      "expiresAt": "2026-11-21T10:02:03.004Z",
      "id": "ses_0c9k2m4n6p8r",
      "lastUsedAt": "2026-11-21T10:02:03.004Z"
    },
    "token": "cbs_kq3v…",
    "user": {
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "ann"
    },
    "username": "dev_4m7q…"
  } satisfies Schemas['RegisterAnswer'],
  RegisterRequest: {
    "identifier": "ann",
    "metadata": {
      "model": "x"
    }
  } satisfies Schemas['RegisterRequest'],
  RenewSessionRequest: {
    "expiresIn": 3600,
    "ticket": "eyJpZ…:9Xk…"
  } satisfies Schemas['RenewSessionRequest'],
  ResetPasswordRequest: {
    "newPassword": "staple of the harbour",
    "token": "cbr_7Hq…"
  } satisfies Schemas['ResetPasswordRequest'],
  RotateSecretAnswer: {
    "endedSessions": 12,
    "oldGoodUntil": "2026-11-21T10:02:03.004Z",
    "secret": "JViE5vDor0Sw3WllZka15Q=="
  } satisfies Schemas['RotateSecretAnswer'],
  RotateSecretRequest: {
    "endSessions": true,
    "graceSeconds": 0
  } satisfies Schemas['RotateSecretRequest'],
  SendMessageAnswer: {
    "message": {
      "conversationId": "cnv_7h2j4k6m8n0p",
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "msg_5d8f0a2c4e6b",
      "position": 12,
      "recipientId": "bob",
      "senderId": "ann",
      "text": "Are you there?"
    }
  } satisfies Schemas['SendMessageAnswer'],
  SendMessageRequest: {
    "messageId": "msg_5d8f0a2c4e6b",
    "text": "Are you there?",
    "to": {
      "userId": "bob"
    }
  } satisfies Schemas['SendMessageRequest'],
  SessionAnswer: {
    "session": {
      "createdAt": "2026-11-21T10:02:03.004Z",
      "credential": "ticket",
      "device": {
        "appVersion": null,
        "id": null,
        "name": null,
        "platform": "web"
      },
      "expiresAt": "2026-11-21T10:02:03.004Z",
      "id": "ses_0c9k2m4n6p8r",
      "lastUsedAt": "2026-11-21T10:02:03.004Z"
    },
    "user": {
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "ann"
    }
  } satisfies Schemas['SessionAnswer'],
  SignInAnswer: {
    "secret": "9J2s…",
    "session": {
      "createdAt": "2026-11-21T10:02:03.004Z",
      "credential": "ticket",
      "device": {
        "appVersion": null,
        "id": null,
        "name": null,
        "platform": "web"
      },
      "expiresAt": "2026-11-21T10:02:03.004Z",
      "id": "ses_0c9k2m4n6p8r",
      "lastUsedAt": "2026-11-21T10:02:03.004Z"
    },
    "token": "cbs_kq3v…",
    "user": {
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "ann"
    }
  } satisfies Schemas['SignInAnswer'],
  SignInRequest: {
    "device": {
      "platform": "web"
    },
    "expiresIn": 86400,
    "force": true,
    "identity": {
      "type": "email",
      "value": "ann@example.com"
    },
    "password": "correct horse battery",
    "userId": "ann"
  } satisfies Schemas['SignInRequest'],
  SignUpAnswer: {
    "ticket": "cbt_5tY…",
    "user": {
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "ann"
    }
  } satisfies Schemas['SignUpAnswer'],
  SignUpRequest: {
    "identities": [
      {
        "type": "email",
        "value": "ann@example.com"
      }
    ],
    "password": "correct horse battery"
  } satisfies Schemas['SignUpRequest'],
  TimestampAnswer: {
    "timestamp": "2026-11-21T10:02:03.004Z"
  } satisfies Schemas['TimestampAnswer'],
  UpdateAppRequest: {
    "disabled": false,
    "name": "Shop",
    "settings": {
      "directory": "everyone",
      "ringSeconds": null
    }
  } satisfies Schemas['UpdateAppRequest'],
  UpdateUserRequest: {
    "blocked": true
  } satisfies Schemas['UpdateUserRequest'],
};

export const clientFrames = {
  'ack': {
    "seq": 815,
    "type": "ack"
  } satisfies ClientFrameOf<'ack'>,
  'call.accept': {
    "callId": "call_3b5d7f9h",
    "id": "9",
    "type": "call.accept"
  } satisfies ClientFrameOf<'call.accept'>,
  'call.candidate': {
    "callId": "call_3b5d7f9h",
    "candidate": {
      "candidate": "candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host",
      "sdpMLineIndex": 0,
      "sdpMid": "0",
      "usernameFragment": "aB3x"
    },
    "generation": 1,
    "id": "12",
    "type": "call.candidate"
  } satisfies ClientFrameOf<'call.candidate'>,
  'call.describe': {
    "callId": "call_3b5d7f9h",
    "description": {
      "sdp": "v=0\r\n…",
      "type": "offer"
    },
    "generation": 1,
    "id": "11",
    "type": "call.describe"
  } satisfies ClientFrameOf<'call.describe'>,
  'call.end': {
    "callId": "call_3b5d7f9h",
    "id": "10",
    "reason": "hang_up",
    "type": "call.end"
  } satisfies ClientFrameOf<'call.end'>,
  'call.mute': {
    "audio": true,
    "callId": "call_3b5d7f9h",
    "id": "14",
    "type": "call.mute",
    "video": false
  } satisfies ClientFrameOf<'call.mute'>,
  'call.report': {
    "callId": "call_3b5d7f9h",
    "id": "13",
    "media": "connected",
    "type": "call.report"
  } satisfies ClientFrameOf<'call.report'>,
  'call.ring': {
    "callId": "call_3b5d7f9h",
    "id": "8",
    "type": "call.ring"
  } satisfies ClientFrameOf<'call.ring'>,
  'call.start': {
    "callId": "call_3b5d7f9h",
    "calleeId": "bob",
    "id": "7",
    "media": "video",
    "ringSeconds": 30,
    "type": "call.start"
  } satisfies ClientFrameOf<'call.start'>,
  'hello': {
    "connectionId": "page-7f3a91",
    "cursor": "k3v9wq2p.812",
    "id": "1",
    "token": "cbs_kq3v…",
    "type": "hello"
  } satisfies ClientFrameOf<'hello'>,
  'message.send': {
    "id": "3",
    "message": {
      "messageId": "msg_5d8f0a2c4e6b",
      "text": "Are you there?",
      "to": {
        "userId": "bob"
      }
    },
    "type": "message.send"
  } satisfies ClientFrameOf<'message.send'>,
  'ping': {
    "id": "2",
    "type": "ping"
  } satisfies ClientFrameOf<'ping'>,
  'presence.watch': {
    "id": "6",
    "type": "presence.watch",
    "userIds": [
      "ann",
      "bob"
    ]
  } satisfies ClientFrameOf<'presence.watch'>,
  'receipt.read': {
    "conversationId": "cnv_7h2j4k6m8n0p",
    "id": "4",
    "type": "receipt.read",
    "upTo": 12
  } satisfies ClientFrameOf<'receipt.read'>,
  'typing.set': {
    "active": true,
    "id": "5",
    "to": {
      "conversationId": "cnv_7h2j4k6m8n0p"
    },
    "type": "typing.set"
  } satisfies ClientFrameOf<'typing.set'>,
};

export const serverFrames = {
  'call.accepted': {
    "call": {
      "acceptedAt": "2026-11-21T10:02:03.004Z",
      "acceptedBy": {
        "connectionId": "page-2c8e44",
        "userId": "bob"
      },
      "calleeId": "bob",
      "callerConnectionId": "page-7f3a91",
      "callerId": "ann",
      "connectedAt": null,
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "call_3b5d7f9h",
      "media": "video",
      "muted": [
        {
          "audio": false,
          "userId": "bob",
          "video": true
        }
      ],
      "state": "accepted"
    },
    "type": "call.accepted"
  } satisfies ServerFrameOf<'call.accepted'>,
  'call.candidate_added': {
    "callId": "call_3b5d7f9h",
    "candidate": {
      "candidate": "candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host",
      "sdpMLineIndex": 0,
      "sdpMid": "0",
      "usernameFragment": "aB3x"
    },
    "generation": 1,
    "signal": 2,
    "type": "call.candidate_added",
    "userId": "ann"
  } satisfies ServerFrameOf<'call.candidate_added'>,
  'call.connected': {
    "callId": "call_3b5d7f9h",
    "connectedAt": "2026-11-21T10:02:03.004Z",
    "type": "call.connected"
  } satisfies ServerFrameOf<'call.connected'>,
  'call.described': {
    "callId": "call_3b5d7f9h",
    "description": {
      "sdp": "v=0\r\n…",
      "type": "offer"
    },
    "generation": 1,
    "signal": 1,
    "type": "call.described",
    "userId": "ann"
  } satisfies ServerFrameOf<'call.described'>,
  'call.ended': {
    "call": {
      "acceptedAt": "2026-11-21T10:02:03.004Z",
      "calleeId": "bob",
      "callerId": "ann",
      "cause": "completed",
      "createdAt": "2026-11-21T10:02:03.004Z",
      "endedAt": "2026-11-21T10:02:03.004Z",
      "endedBy": "bob",
      "id": "call_3b5d7f9h",
      "media": "video",
      "sentence": "The call ended."
    },
    "seq": 815,
    "type": "call.ended"
  } satisfies ServerFrameOf<'call.ended'>,
  'call.incoming': {
    "call": {
      "acceptedAt": "2026-11-21T10:02:03.004Z",
      "acceptedBy": {
        "connectionId": "page-2c8e44",
        "userId": "bob"
      },
      "calleeId": "bob",
      "callerConnectionId": "page-7f3a91",
      "callerId": "ann",
      "connectedAt": null,
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "call_3b5d7f9h",
      "media": "video",
      "muted": [
        {
          "audio": false,
          "userId": "bob",
          "video": true
        }
      ],
      "state": "accepted"
    },
    "type": "call.incoming"
  } satisfies ServerFrameOf<'call.incoming'>,
  'call.joined': {
    "call": {
      "acceptedAt": "2026-11-21T10:02:03.004Z",
      "acceptedBy": {
        "connectionId": "page-2c8e44",
        "userId": "bob"
      },
      "calleeId": "bob",
      "callerConnectionId": "page-7f3a91",
      "callerId": "ann",
      "connectedAt": null,
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "call_3b5d7f9h",
      "media": "video",
      "muted": [
        {
          "audio": false,
          "userId": "bob",
          "video": true
        }
      ],
      "state": "accepted"
    },
    "ice": {
      "expiresAt": "2026-11-21T10:12:03.004Z",
      "iceServers": [
        {
          "credential": null,
          "urls": [
            "stun:calls.example.com:3478"
          ],
          "username": null
        },
        {
          "credential": "9mTVw1bJZkQ4p0xGDu6fQ7Zl3f2cYkK1c8Yl0bQmN5E=",
          "urls": [
            "turn:calls.example.com:3478?transport=udp",
            "turn:calls.example.com:3478?transport=tcp",
            "turns:calls.example.com:443?transport=tcp"
          ],
          "username": "1795257123:ses_4t6b0d5k3m:1.cal-5f2e8a90"
        }
      ],
      "iceTransportPolicy": "all"
    },
    "re": "9",
    "type": "call.joined"
  } satisfies ServerFrameOf<'call.joined'>,
  'call.left': {
    "callId": "call_3b5d7f9h",
    "re": "10",
    "type": "call.left"
  } satisfies ServerFrameOf<'call.left'>,
  'call.live': {
    "call": {
      "acceptedAt": "2026-11-21T10:02:03.004Z",
      "acceptedBy": {
        "connectionId": "page-2c8e44",
        "userId": "bob"
      },
      "calleeId": "bob",
      "callerConnectionId": "page-7f3a91",
      "callerId": "ann",
      "connectedAt": null,
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "call_3b5d7f9h",
      "media": "video",
      "muted": [
        {
          "audio": false,
          "userId": "bob",
          "video": true
        }
      ],
      "state": "accepted"
    },
    "ice": {
      "expiresAt": "2026-11-21T10:12:03.004Z",
      "iceServers": [
        {
          "credential": null,
          "urls": [
            "stun:calls.example.com:3478"
          ],
          "username": null
        },
        {
          "credential": "9mTVw1bJZkQ4p0xGDu6fQ7Zl3f2cYkK1c8Yl0bQmN5E=",
          "urls": [
            "turn:calls.example.com:3478?transport=udp",
            "turn:calls.example.com:3478?transport=tcp",
            "turns:calls.example.com:443?transport=tcp"
          ],
          "username": "1795257123:ses_4t6b0d5k3m:1.cal-5f2e8a90"
        }
      ],
      "iceTransportPolicy": "all"
    },
    "type": "call.live"
  } satisfies ServerFrameOf<'call.live'>,
  'call.muted': {
    "audio": true,
    "callId": "call_3b5d7f9h",
    "type": "call.muted",
    "userId": "ann",
    "video": false
  } satisfies ServerFrameOf<'call.muted'>,
  'call.ringing': {
    "callId": "call_3b5d7f9h",
    "type": "call.ringing"
  } satisfies ServerFrameOf<'call.ringing'>,
  'call.started': {
    "call": {
      "acceptedAt": "2026-11-21T10:02:03.004Z",
      "acceptedBy": {
        "connectionId": "page-2c8e44",
        "userId": "bob"
      },
      "calleeId": "bob",
      "callerConnectionId": "page-7f3a91",
      "callerId": "ann",
      "connectedAt": null,
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "call_3b5d7f9h",
      "media": "video",
      "muted": [
        {
          "audio": false,
          "userId": "bob",
          "video": true
        }
      ],
      "state": "accepted"
    },
    "ice": {
      "expiresAt": "2026-11-21T10:12:03.004Z",
      "iceServers": [
        {
          "credential": null,
          "urls": [
            "stun:calls.example.com:3478"
          ],
          "username": null
        },
        {
          "credential": "9mTVw1bJZkQ4p0xGDu6fQ7Zl3f2cYkK1c8Yl0bQmN5E=",
          "urls": [
            "turn:calls.example.com:3478?transport=udp",
            "turn:calls.example.com:3478?transport=tcp",
            "turns:calls.example.com:443?transport=tcp"
          ],
          "username": "1795257123:ses_4t6b0d5k3m:1.cal-5f2e8a90"
        }
      ],
      "iceTransportPolicy": "all"
    },
    "re": "7",
    "type": "call.started"
  } satisfies ServerFrameOf<'call.started'>,
  'directory.changed': {
    "entry": {
      "presence": {
        "lastSeenAt": null,
        "status": "online",
        "userId": "bob"
      },
      "user": {
        "createdAt": "2026-11-21T10:02:03.004Z",
        "id": "bob"
      }
    },
    "type": "directory.changed"
  } satisfies ServerFrameOf<'directory.changed'>,
  'error': {
    "error": {
      "code": "user_not_found",
      "details": {
        "userId": "zoe"
      },
      "message": "No such user in this app; users exist from their first sign-in.",
      "requestId": null,
      "retry": "never"
    },
    "re": "3",
    "type": "error"
  } satisfies ServerFrameOf<'error'>,
  'message.accepted': {
    "message": {
      "conversationId": "cnv_7h2j4k6m8n0p",
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "msg_5d8f0a2c4e6b",
      "position": 12,
      "recipientId": "bob",
      "senderId": "ann",
      "text": "Are you there?"
    },
    "re": "3",
    "type": "message.accepted"
  } satisfies ServerFrameOf<'message.accepted'>,
  'message.created': {
    "message": {
      "conversationId": "cnv_7h2j4k6m8n0p",
      "createdAt": "2026-11-21T10:02:03.004Z",
      "id": "msg_5d8f0a2c4e6b",
      "position": 12,
      "recipientId": "bob",
      "senderId": "ann",
      "text": "Are you there?"
    },
    "origin": {
      "sessionId": "ses_0c9k2m4n6p8r"
    },
    "seq": 813,
    "type": "message.created"
  } satisfies ServerFrameOf<'message.created'>,
  'pong': {
    "re": "2",
    "type": "pong"
  } satisfies ServerFrameOf<'pong'>,
  'presence.changed': {
    "presence": {
      "lastSeenAt": "2026-11-21T10:02:03.004Z",
      "status": "offline",
      "userId": "bob"
    },
    "type": "presence.changed"
  } satisfies ServerFrameOf<'presence.changed'>,
  'presence.state': {
    "presences": [
      {
        "lastSeenAt": null,
        "status": "online",
        "userId": "ann"
      },
      {
        "lastSeenAt": "2026-11-21T10:02:03.004Z",
        "status": "offline",
        "userId": "bob"
      }
    ],
    "re": "6",
    "type": "presence.state"
  } satisfies ServerFrameOf<'presence.state'>,
  'receipt.changed': {
    "receipt": {
      "conversationId": "cnv_7h2j4k6m8n0p",
      "deliveredUpTo": 12,
      "readUpTo": 11,
      "userId": "bob"
    },
    "seq": 814,
    "type": "receipt.changed"
  } satisfies ServerFrameOf<'receipt.changed'>,
  'receipt.recorded': {
    "re": "4",
    "receipt": {
      "conversationId": "cnv_7h2j4k6m8n0p",
      "deliveredUpTo": 12,
      "readUpTo": 11,
      "userId": "bob"
    },
    "type": "receipt.recorded"
  } satisfies ServerFrameOf<'receipt.recorded'>,
  'typing': {
    "active": true,
    "conversationId": "cnv_7h2j4k6m8n0p",
    "type": "typing",
    "userId": "bob"
  } satisfies ServerFrameOf<'typing'>,
  'welcome': {
    "cursor": "k3v9wq2p.812",
    "heartbeatSeconds": 25,
    "liveCallIds": [
      "call_3b5d7f9h"
    ],
    "re": "1",
    "resumed": true,
    "serverTime": "2026-11-21T10:02:03.004Z",
    "sessionId": "ses_0c9k2m4n6p8r",
    "type": "welcome",
    "userId": "ann"
  } satisfies ServerFrameOf<'welcome'>,
};
