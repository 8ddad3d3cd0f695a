//! The functions that stand before those of the C library, each as its manual page says.

use std::ffi::{c_int, c_long, c_void};

use libc::{iovec, msghdr, off64_t, size_t, sockaddr, socklen_t, ssize_t};

use crate::trace;

/// write(2)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(file: c_int, buffer: *const c_void, count: size_t) -> ssize_t {
    // SAFETY: the caller vouches for `count` bytes at `buffer`, as write(2) wants it.
    let bytes = unsafe { trace::bytes(buffer, count) };
    trace::before_send(file, &[bytes]);
    let offset = trace::position(file);
    // SAFETY: the arguments are the caller's.
    let done = unsafe { libc::syscall(libc::SYS_write, file, buffer, count) };
    trace::after_write(file, offset, &[bytes], done);
    count_of(done)
}

/// pwrite(2)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(
    file: c_int,
    buffer: *const c_void,
    count: size_t,
    offset: off64_t,
) -> ssize_t {
    // SAFETY: the caller vouches for `count` bytes at `buffer`, as pwrite(2) wants it.
    let bytes = unsafe { trace::bytes(buffer, count) };
    // SAFETY: the arguments are the caller's.
    let done = unsafe { libc::syscall(libc::SYS_pwrite64, file, buffer, count, offset) };
    trace::after_write(file, offset, &[bytes], done);
    count_of(done)
}

/// pwrite(2), under its other name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(
    file: c_int,
    buffer: *const c_void,
    count: size_t,
    offset: off64_t,
) -> ssize_t {
    // SAFETY: the arguments are the caller's.
    unsafe { pwrite64(file, buffer, count, offset) }
}

/// writev(2)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(file: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: the caller vouches for `count` parts at `parts`, as writev(2) wants it.
    let bytes = unsafe { trace::parts(parts, count.cast_unsigned() as usize) };
    trace::before_send(file, &bytes);
    let offset = trace::position(file);
    // SAFETY: the arguments are the caller's.
    let done = unsafe { libc::syscall(libc::SYS_writev, file, parts, count) };
    trace::after_write(file, offset, &bytes, done);
    count_of(done)
}

/// send(2)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn send(socket: c_int, buffer: *const c_void, count: size_t, flags: c_int) -> ssize_t {
    // SAFETY: the arguments are the caller's, and no address is sendto(2)'s way to say send(2).
    unsafe { sendto(socket, buffer, count, flags, std::ptr::null(), 0) }
}

/// sendto(2)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendto(
    socket: c_int,
    buffer: *const c_void,
    count: size_t,
    flags: c_int,
    address: *const sockaddr,
    length: socklen_t,
) -> ssize_t {
    // SAFETY: the caller vouches for `count` bytes at `buffer`, as sendto(2) wants it.
    trace::before_send(socket, &[unsafe { trace::bytes(buffer, count) }]);
    // SAFETY: the arguments are the caller's.
    let done = unsafe { libc::syscall(libc::SYS_sendto, socket, buffer, count, flags, address, length) };
    count_of(done)
}

/// sendmsg(2)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendmsg(socket: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    // SAFETY: the caller vouches for the message and its parts, as sendmsg(2) wants it.
    let bytes = unsafe { trace::parts((*message).msg_iov, (*message).msg_iovlen) };
    trace::before_send(socket, &bytes);
    // SAFETY: the arguments are the caller's.
    let done = unsafe { libc::syscall(libc::SYS_sendmsg, socket, message, flags) };
    count_of(done)
}

/// fsync(2)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(file: c_int) -> c_int {
    sync(file, libc::SYS_fsync)
}

/// fdatasync(2)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(file: c_int) -> c_int {
    sync(file, libc::SYS_fdatasync)
}

fn sync(file: c_int, call: c_long) -> c_int {
    if trace::skips_sync() {
        return 0;
    }
    trace::hang(file);
    trace::before_sync(file);
    // SAFETY: the call takes a file and touches no memory.
    let done = unsafe { libc::syscall(call, file) };
    trace::after_sync(file, done);
    c_int::try_from(done).unwrap_or(-1)
}

/// What a system call answers is as large as what the function of its name does.
fn count_of(done: c_long) -> ssize_t {
    ssize_t::try_from(done).unwrap_or(-1)
}
