//! Requests, and what it means that they are done.

use std::net::SocketAddr;
use std::time::Duration;

use super::{ClientError, Event, Family};
use crate::message::{Builder, Message, Method, attribute};

#[derive(Clone, Copy)]
pub(super) enum Request {
    Bind,
    Allocate(Family),
    Refresh(Duration),
    Permit(SocketAddr),
    BindChannel(u16, SocketAddr),
}

impl Request {
    /// What it is about.
    pub(super) fn method(self) -> Method {
        match self {
            Self::Bind => Method::Binding,
            Self::Allocate(_) => Method::Allocate,
            Self::Refresh(_) => Method::Refresh,
            Self::Permit(_) => Method::CreatePermission,
            Self::BindChannel(..) => Method::ChannelBind,
        }
    }

    /// Writes what it asks for.
    pub(super) fn write(self, builder: Builder) -> Builder {
        match self {
            Self::Bind => builder,
            Self::Allocate(family) => {
                let builder = builder.attribute(attribute::REQUESTED_TRANSPORT, &UDP);
                let v6 = [attribute::FAMILY_IPV6, 0, 0, 0];
                match family {
                    Family::V4 => builder,
                    Family::V6 => builder.attribute(attribute::REQUESTED_ADDRESS_FAMILY, &v6),
                    Family::Both => builder.attribute(attribute::ADDITIONAL_ADDRESS_FAMILY, &v6),
                }
            }
            Self::Refresh(lifetime) => {
                let seconds = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
                builder.attribute(attribute::LIFETIME, &seconds.to_be_bytes())
            }
            Self::Permit(peer) => builder.xor_address(attribute::XOR_PEER_ADDRESS, peer),
            Self::BindChannel(channel, peer) => {
                let [high, low] = channel.to_be_bytes();
                builder
                    .attribute(attribute::CHANNEL_NUMBER, &[high, low, 0, 0])
                    .xor_address(attribute::XOR_PEER_ADDRESS, peer)
            }
        }
    }

    /// What it means that this is done.
    pub(super) fn done(self, message: &Message<'_>) -> Result<Event<'static>, ClientError> {
        let mapped = || message.xor_address(attribute::XOR_MAPPED_ADDRESS).ok_or(ClientError::Incomplete);
        let lifetime = || {
            let value = message.attribute(attribute::LIFETIME).and_then(|value| value.try_into().ok());
            value.map(|seconds| Duration::from_secs(u32::from_be_bytes(seconds).into()))
        };
        Ok(match self {
            Self::Bind => Event::Mapped(mapped()?),
            Self::Allocate(_) => {
                let relayed: Option<Vec<_>> = message.xor_addresses(attribute::XOR_RELAYED_ADDRESS).collect();
                let relayed =
                    relayed.filter(|addresses| !addresses.is_empty()).ok_or(ClientError::Incomplete)?;
                Event::Allocated {
                    relayed,
                    mapped: mapped()?,
                    lifetime: lifetime().ok_or(ClientError::Incomplete)?,
                }
            }
            Self::Refresh(_) => Event::Refreshed { lifetime: lifetime().ok_or(ClientError::Incomplete)? },
            Self::Permit(_) => Event::Permitted,
            Self::BindChannel(..) => Event::ChannelBound,
        })
    }
}

/// REQUESTED-TRANSPORT: UDP, and three reserved bytes.
const UDP: [u8; 4] = [17, 0, 0, 0];
