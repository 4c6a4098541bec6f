//! What everything that speaks over a stream of bytes has in common.

/// Something that speaks over a stream of bytes: an [`Endpoint`](crate::Endpoint), SFTP, the agent protocol.
pub trait ByteProtocol {
    /// Takes bytes from the other side; says how many fitted.
    fn handle_input(&mut self, bytes: &[u8]) -> usize;

    /// Bytes for the other side.
    fn poll_output(&mut self) -> &[u8];

    /// Says that the first `n` bytes of [`poll_output`](Self::poll_output) are on their way.
    fn consume_output(&mut self, n: usize);
}
