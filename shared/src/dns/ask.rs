//! One question to one DNS server: by UDP, and by TCP where the answer is too long for that.
//!
//! The library's resolver hides what is needed here: which server answered, whether by its own zone,
//! with which code, and how it answers when it need not check signatures. So its transport is used
//! alone. It knows no TLS and opens connections to the address it is given and to no other.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use hickory_net::proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Edns, Message, Query, ResponseCode};
use hickory_net::proto::rr::{Name, RData, Record as WireRecord, RecordType};
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::tcp::TcpClientStream;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::DnsRequestSender as _;
use hickory_net::{DnsHandle as _, NetError};

use super::answer::{Answer, Code, Data, Kind, Record, Srv};

/// How long one server may take; within that the question is repeated.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often a question is repeated that may have been lost on the way.
const REPEATED: u8 = 2;

/// To whom a question goes, and what may be believed of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// To a resolver, which asks others and checks their signatures.
    Resolve,
    /// To a resolver that shall not check signatures (RFC 4035, section 3.2.2).
    ResolveUnchecked,
    /// To a server of the zone, for what it knows itself.
    Own,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// The text is no name.
    #[error("not a name of the DNS")]
    BadName,
    /// The server was silent, or cannot be reached, or answers what is none.
    #[error("the DNS server {server} did not answer")]
    NoAnswer {
        /// The server.
        server: SocketAddr,
        /// Why.
        #[source]
        source: Option<NetError>,
    },
}

/// Asks a server for the records of a name.
pub(super) async fn ask(server: SocketAddr, name: &str, kind: Kind, manner: Manner) -> Result<Answer, AskError> {
    let name = Name::from_ascii(format!("{}.", name.trim_end_matches('.'))).map_err(|_| AskError::BadName)?;
    let request = || request(&name, kind, manner);
    let no_answer = |source| AskError::NoAnswer { server, source };
    let short = UdpClientStream::builder(server, TokioRuntimeProvider::default())
        .with_timeout(Some(PATIENCE))
        .with_max_retries(REPEATED)
        .build()
        .send_message(request())
        .next()
        .await;
    let answer = match short {
        Some(Ok(answer)) if !answer.metadata.truncation => answer,
        Some(Ok(_)) => {
            // The provider owns the task that reads the answer, and ends it when it is dropped.
            let provider = TokioRuntimeProvider::default();
            let exchange = TcpClientStream::exchange(server, None, PATIENCE, None, provider.clone());
            let exchange = exchange.await.map_err(|error| no_answer(Some(error)))?;
            let long = exchange.send(request()).next().await;
            drop(provider);
            long.ok_or_else(|| no_answer(None))?
                .map_err(|error| no_answer(Some(error)))?
        }
        Some(Err(error)) => return Err(no_answer(Some(error))),
        None => return Err(no_answer(None)),
    };
    Ok(read(&answer))
}

fn request(name: &Name, kind: Kind, manner: Manner) -> DnsRequest {
    let mut message = Message::query();
    message.add_query(Query::query(name.clone(), wire_kind(kind)));
    message.metadata.recursion_desired = manner != Manner::Own;
    message.metadata.checking_disabled = manner == Manner::ResolveUnchecked;
    let mut options = DnsRequestOptions::default();
    options.use_edns = true;
    options.recursion_desired = message.metadata.recursion_desired;
    let mut edns = Edns::new();
    edns.set_max_payload(options.edns_payload_len);
    message.set_edns(edns);
    DnsRequest::new(message, options)
}

fn read(answer: &DnsResponse) -> Answer {
    Answer {
        code: match answer.metadata.response_code {
            ResponseCode::NoError => Code::NoError,
            ResponseCode::NXDomain => Code::NoSuchName,
            ResponseCode::ServFail => Code::ServerFailure,
            ResponseCode::Refused | ResponseCode::NotAuth => Code::Refused,
            other => Code::Other(other.into()),
        },
        authoritative: answer.metadata.authoritative,
        records: answer.answers.iter().map(record).collect(),
        authority: answer.authorities.iter().map(record).collect(),
    }
}

fn record(wire: &WireRecord) -> Record {
    let data = match &wire.data {
        RData::A(address) => Data::Address(address.0.into()),
        RData::AAAA(address) => Data::Address(address.0.into()),
        RData::CNAME(target) => Data::Cname(plain(&target.0)),
        RData::MX(mx) => Data::Mx {
            preference: mx.preference,
            exchange: plain(&mx.exchange),
        },
        RData::NS(server) => Data::Ns(plain(&server.0)),
        RData::SRV(srv) => Data::Srv(Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: plain(&srv.target),
        }),
        RData::TXT(txt) => Data::Txt(txt.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect()),
        RData::SOA(soa) => Data::Soa { minimum: soa.minimum },
        _ => Data::Other,
    };
    Record {
        name: plain(&wire.name),
        ttl_seconds: wire.ttl,
        data,
    }
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

fn wire_kind(kind: Kind) -> RecordType {
    match kind {
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
        Kind::Cname => RecordType::CNAME,
        Kind::Ds => RecordType::DS,
        Kind::Mx => RecordType::MX,
        Kind::Ns => RecordType::NS,
        Kind::Soa => RecordType::SOA,
        Kind::Srv => RecordType::SRV,
        Kind::Txt => RecordType::TXT,
    }
}
