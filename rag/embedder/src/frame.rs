//! Messages on a stream of bytes: four bytes of length, the most significant first, then JSON.

use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt};

/// No message is longer: a length that a confused peer makes up costs no more memory than this.
pub const BYTES_MAX: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the stream broke")]
    Stream(#[from] io::Error),
    #[error("the stream ended within a message")]
    Cut,
    #[error("a message of {0} bytes is too long")]
    TooLong(usize),
    #[error("a message is malformed")]
    Malformed(#[source] serde_json::Error),
}

/// A message with its length before it.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, Error> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message).map_err(Error::Malformed)?;
    let size = frame.len() - 4;
    let length = u32::try_from(size).ok().filter(|_| size <= BYTES_MAX).ok_or(Error::TooLong(size))?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

/// The next message; `None` where the stream ends between two.
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<T>, Error> {
    let mut length = [0; 4];
    let mut filled = 0;
    while filled < length.len() {
        match stream.read(&mut length[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(Error::Cut),
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::Stream(error)),
        }
    }
    let mut body = vec![0; size(length)?];
    stream.read_exact(&mut body).map_err(cut)?;
    decode(&body).map(Some)
}

/// The same from an asynchronous stream. A future that is dropped may have taken a part of a message.
pub async fn receive<T: DeserializeOwned>(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<T>, Error> {
    let mut length = [0; 4];
    let mut filled = 0;
    while filled < length.len() {
        match stream.read(&mut length[filled..]).await? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(Error::Cut),
            more => filled += more,
        }
    }
    let mut body = vec![0; size(length)?];
    stream.read_exact(&mut body).await.map_err(cut)?;
    decode(&body).map(Some)
}

fn size(length: [u8; 4]) -> Result<usize, Error> {
    let size = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if size > BYTES_MAX { Err(Error::TooLong(size)) } else { Ok(size) }
}

fn cut(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof { Error::Cut } else { Error::Stream(error) }
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(Error::Malformed)
}

#[cfg(test)]
#[path = "frame/tests.rs"]
mod tests;
