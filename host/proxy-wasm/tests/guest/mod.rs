//! Small guests, written as WebAssembly text.
//!
//! In the text of a function `'some text'` stands for two numbers, the address and the size of that
//! text in the guest's memory (`\0` in it is NUL). What a guest sees it says: `$say` logs a text,
//! `$status` a label and a number, `$value` a label and what a host call returned.
#![allow(dead_code, unreachable_pub, reason = "not every test program uses every part")]

/// A guest in the making.
#[derive(Clone, Debug, Default)]
pub struct Guest {
    functions: String,
    data: Vec<u8>,
}

/// Where texts begin in the guest's memory. Below are places for results.
const TEXTS: usize = 4_096;

impl Guest {
    /// Exports a callback that returns nothing: `parameters` numbers, as `$0`, `$1`, ….
    #[must_use]
    pub fn on(self, callback: &str, parameters: usize, body: &str) -> Self {
        self.function(callback, parameters, "", body)
    }

    /// Exports a callback that returns a number.
    #[must_use]
    pub fn on_result(self, callback: &str, parameters: usize, body: &str) -> Self {
        self.function(callback, parameters, "(result i32)", body)
    }

    /// A number that functions can keep something in: `$name`, at first 0.
    #[must_use]
    pub fn with_global(mut self, name: &str) -> Self {
        self.functions += &format!("(global ${name} (mut i32) (i32.const 0))\n");
        self
    }

    /// Lets functions call an exported one by that name.
    #[must_use]
    pub fn with_alias(mut self, name: &str, export: &str) -> Self {
        self.functions = self.functions.replace(
            &format!("(func (export \"{export}\")"),
            &format!("(func ${name} (export \"{export}\")"),
        );
        self
    }

    fn function(mut self, callback: &str, parameters: usize, result: &str, body: &str) -> Self {
        let body = self.place_texts(body);
        let names: String = (0..parameters).map(|index| format!(" (param ${index} i32)")).collect();
        self.functions += &format!("(func (export \"{callback}\"){names} {result}\n{body})\n");
        self
    }

    fn place_texts(&mut self, body: &str) -> String {
        let mut parts = body.split('\'');
        let mut placed = parts.next().unwrap_or_default().to_owned();
        while let (Some(text), Some(code)) = (parts.next(), parts.next()) {
            let text = text.replace("\\0", "\0").replace("\\n", "\n").replace("\\r", "\r");
            placed += &format!("(i32.const {}) (i32.const {})", TEXTS + self.data.len(), text.len());
            self.data.extend_from_slice(text.as_bytes());
            placed += code;
        }
        placed
    }

    /// The text of the module.
    pub fn text(&self) -> String {
        let data: String = self.data.iter().map(|byte| format!("\\{byte:02x}")).collect();
        format!("(module\n{IMPORTS}\n{LIBRARY}\n(data (i32.const {TEXTS}) \"{data}\")\n{}\n)", self.functions)
    }

    /// The module.
    pub fn module(&self) -> Vec<u8> {
        let text = self.text();
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

/// Everything that a guest may call. The places 0 to 15 take what a call returns: address, size, more.
const IMPORTS: &str = r#"
(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
(import "env" "proxy_get_log_level" (func $get_log_level (param i32) (result i32)))
(import "env" "proxy_get_current_time_nanoseconds" (func $get_current_time (param i32) (result i32)))
(import "env" "proxy_set_tick_period_milliseconds" (func $set_tick_period (param i32) (result i32)))
(import "env" "proxy_get_header_map_size" (func $get_map_size (param i32 i32) (result i32)))
(import "env" "proxy_get_header_map_pairs" (func $get_pairs (param i32 i32 i32) (result i32)))
(import "env" "proxy_set_header_map_pairs" (func $set_pairs (param i32 i32 i32) (result i32)))
(import "env" "proxy_get_header_map_value" (func $get_header (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_add_header_map_value" (func $add_header (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_replace_header_map_value" (func $replace_header (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_remove_header_map_value" (func $remove_header (param i32 i32 i32) (result i32)))
(import "env" "proxy_get_buffer_bytes" (func $get_buffer (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_get_buffer_status" (func $get_buffer_status (param i32 i32 i32) (result i32)))
(import "env" "proxy_set_buffer_bytes" (func $set_buffer (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_get_property" (func $get_property (param i32 i32 i32 i32) (result i32)))
(import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
(import "env" "proxy_continue_stream" (func $continue_stream (param i32) (result i32)))
(import "env" "proxy_close_stream" (func $close_stream (param i32) (result i32)))
(import "env" "proxy_send_local_response"
  (func $send_local_response (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_http_call"
  (func $http_call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_get_status" (func $get_status (param i32 i32 i32) (result i32)))
(import "env" "proxy_get_shared_data" (func $get_shared (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_set_shared_data" (func $set_shared (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_register_shared_queue" (func $register_queue (param i32 i32 i32) (result i32)))
(import "env" "proxy_resolve_shared_queue" (func $resolve_queue (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_enqueue_shared_queue" (func $enqueue (param i32 i32 i32) (result i32)))
(import "env" "proxy_dequeue_shared_queue" (func $dequeue (param i32 i32 i32) (result i32)))
(import "env" "proxy_define_metric" (func $define_metric (param i32 i32 i32 i32) (result i32)))
(import "env" "proxy_increment_metric" (func $increment_metric (param i32 i64) (result i32)))
(import "env" "proxy_record_metric" (func $record_metric (param i32 i64) (result i32)))
(import "env" "proxy_get_metric" (func $get_metric (param i32 i32) (result i32)))
(import "env" "proxy_set_effective_context" (func $set_effective_context (param i32) (result i32)))
(import "env" "proxy_done" (func $done (result i32)))
(import "env" "proxy_call_foreign_function" (func $call_foreign (param i32 i32 i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
(import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
"#;

/// Memory, an allocator that never frees, and how to say what was seen.
const LIBRARY: &str = r#"
(memory (export "memory") 4)
(global $free (mut i32) (i32.const 65536))
(global $line (mut i32) (i32.const 32768))
(func (export "proxy_abi_version_0_2_1"))
(func $allocate (export "proxy_on_memory_allocate") (param $size i32) (result i32)
  (local $at i32)
  (local.set $at (global.get $free))
  (global.set $free (i32.add (global.get $free) (local.get $size)))
  (block $fits
    (br_if $fits (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
    (br_if $fits (i32.ne (memory.grow (i32.add (i32.const 1)
      (i32.shr_u (local.get $size) (i32.const 16)))) (i32.const -1)))
    (unreachable))
  (local.get $at))
(func $put (param $at i32) (param $size i32)
  (memory.copy (global.get $line) (local.get $at) (local.get $size))
  (global.set $line (i32.add (global.get $line) (local.get $size))))
(func $put_byte (param $byte i32)
  (i32.store8 (global.get $line) (local.get $byte))
  (global.set $line (i32.add (global.get $line) (i32.const 1))))
(func $put_number (param $number i32)
  (if (i32.ge_u (local.get $number) (i32.const 10))
    (then (call $put_number (i32.div_u (local.get $number) (i32.const 10)))))
  (call $put_byte (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10)))))
(func $end
  (drop (call $log (i32.const 3) (i32.const 32768) (i32.sub (global.get $line) (i32.const 32768))))
  (global.set $line (i32.const 32768)))
(func $say (param $at i32) (param $size i32)
  (call $put (local.get $at) (local.get $size))
  (call $end))
(func $number (param $at i32) (param $size i32) (param $number i32)
  (call $put (local.get $at) (local.get $size))
  (call $put_byte (i32.const 61))
  (call $put_number (local.get $number))
  (call $end))
;; A label, the status of a call, and what it left at the places 0 (address) and 4 (size).
(func $value (param $at i32) (param $size i32) (param $status i32)
  (call $put (local.get $at) (local.get $size))
  (call $put_byte (i32.const 61))
  (call $put_number (local.get $status))
  (call $put_byte (i32.const 58))
  (call $put (i32.load (i32.const 0)) (i32.load (i32.const 4)))
  (call $end)
  (i64.store (i32.const 0) (i64.const 0)))
"#;
