//! Bytes to and from the server, plain or through TLS. Sockets never block: whoever waits says until when.

use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use openssl::ssl::SslStream;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, SockAddr, Socket, TcpKeepalive, Type};

use crate::config::connector::DatabaseConfig;

/// Idle time, interval and number of TCP keepalive probes: a dead peer is noticed within half a minute.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_PROBES: u32 = 3;

/// How long what we sent may stay unacknowledged. Longer than a network's hiccup, and with the status interval of 10 s
/// still below half a minute.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(20);

/// Ciphertext fetched at once. The server sends one TLS record per message, and OpenSSL by itself asks the kernel twice
/// for each of them.
const CIPHERTEXT_BYTES: usize = 64 * 1024;

pub(super) fn is_unix(host: &str) -> bool {
    host.starts_with('/')
}

/// Where the server may be: the socket file, or every address of the host name.
pub(super) fn addresses(config: &DatabaseConfig) -> io::Result<Vec<SockAddr>> {
    if is_unix(&config.host) {
        let path = Path::new(&config.host).join(format!(".s.PGSQL.{}", config.port));
        return Ok(vec![SockAddr::unix(path)?]);
    }
    let addresses = (config.host.as_str(), config.port).to_socket_addrs()?;
    Ok(addresses
        .map(|address: SocketAddr| address.into())
        .collect())
}

pub(super) fn connect(
    address: &SockAddr,
    keep_alive: bool,
    timeout: Duration,
) -> io::Result<Socket> {
    let socket = Socket::new(address.domain(), Type::STREAM, None)?;
    socket.connect_timeout(address, timeout)?;
    socket.set_nonblocking(true)?;
    if address.domain() != Domain::UNIX {
        socket.set_tcp_nodelay(true)?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
        if keep_alive {
            let keepalive = TcpKeepalive::new()
                .with_time(KEEPALIVE_IDLE)
                .with_interval(KEEPALIVE_INTERVAL)
                .with_retries(KEEPALIVE_PROBES);
            socket.set_tcp_keepalive(&keepalive)?;
        }
    }
    Ok(socket)
}

pub(super) enum Transport {
    Plain(Socket),
    Tls(Box<SslStream<Ciphertext>>),
}

impl Transport {
    pub(super) fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref().socket(),
        }
    }

    pub(super) fn is_unix(&self) -> bool {
        let address = self.socket().local_addr();
        address.is_ok_and(|address| address.domain() == Domain::UNIX)
    }

    /// Reads what is there: zero bytes at the end of the stream, `WouldBlock` when nothing is there.
    pub(super) fn read_available(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => retry_interrupted(|| socket.read(space)),
            Self::Tls(stream) => read_records(stream, space),
        }
    }

    /// Waits for bytes until the deadline (`TimedOut`), and reads them.
    pub(super) fn read_until(&mut self, space: &mut [u8], deadline: Instant) -> io::Result<usize> {
        loop {
            match self.read_available(space) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait_until(self.socket(), PollFlags::IN, deadline)?;
                }
                done => return done,
            }
        }
    }

    pub(super) fn write_all(&mut self, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match self {
                Self::Plain(socket) => socket.write(bytes),
                Self::Tls(stream) => stream.write(bytes),
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait_until(self.socket(), PollFlags::OUT, deadline)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A read of TLS gives one record, which is one small message. One after the other until nothing is left.
fn read_records(stream: &mut SslStream<Ciphertext>, space: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = space.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match retry_interrupted(|| stream.read(rest)) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if filled > 0 && error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn retry_interrupted(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// What TLS reads from and writes to.
#[derive(Debug)]
pub(super) struct Ciphertext(BufReader<Socket>);

impl Ciphertext {
    pub(super) fn new(socket: Socket) -> Self {
        Self(BufReader::with_capacity(CIPHERTEXT_BYTES, socket))
    }

    pub(super) fn socket(&self) -> &Socket {
        self.0.get_ref()
    }
}

impl Read for Ciphertext {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.0.read(space)
    }
}

impl Write for Ciphertext {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.get_mut().flush()
    }
}

/// Waits until the socket is ready, or fails with `TimedOut` at the deadline.
pub(super) fn wait_until(
    socket: &Socket,
    interest: PollFlags,
    deadline: Instant,
) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if wait(&mut [PollFd::new(socket, interest)], left)? {
            return Ok(());
        }
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

/// Which of the two can be read, after waiting for at most `timeout`.
pub(super) fn wait_readable(
    socket: &Socket,
    other: &impl AsFd,
    timeout: Duration,
) -> io::Result<(bool, bool)> {
    let mut fds = [
        PollFd::new(socket, PollFlags::IN),
        PollFd::new(other, PollFlags::IN),
    ];
    wait(&mut fds, timeout)?;
    let [socket, other] = fds.map(|fd| !fd.revents().is_empty());
    Ok((socket, other))
}

/// Waits until `fd` can be read, for at most `timeout`.
pub(super) fn wait_for_one(fd: &impl AsFd, timeout: Duration) -> io::Result<bool> {
    wait(&mut [PollFd::new(fd, PollFlags::IN)], timeout)
}

/// Whether something became ready.
fn wait(fds: &mut [PollFd<'_>], timeout: Duration) -> io::Result<bool> {
    let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
    match poll(fds, Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        // A signal: nothing is ready, and the caller looks at the clock again.
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
