//! The program against a real server and a broker that can be shut off: killed, stopped, cut off, misconfigured.

mod kill;
mod numbers;
