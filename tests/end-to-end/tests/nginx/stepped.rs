//! A process that is run to a call and from there instruction by instruction, by ptrace(2).
#![allow(unsafe_code, reason = "ptrace has no safe face: it is given a process of ours and words")]

use std::fs;
use std::io::{Error, Read as _, Seek as _, SeekFrom};
use std::ptr;

use libc::{c_long, c_void, pid_t};

/// A traced process. The thread that attached to it has to do all the rest.
pub(crate) struct Stepped {
    pid: pid_t,
    /// Where it is stopped: address, and the word that was there.
    stop: Option<(u64, c_long)>,
    /// Who has to call there.
    callers: Vec<(u64, u64)>,
}

/// x86-64: `int3`.
const TRAP: u8 = 0xcc;

impl Stepped {
    pub(crate) fn attach(process: u32) -> Self {
        let pid = pid_t::try_from(process).expect("a process id");
        let this = Self { pid, stop: None, callers: Vec::new() };
        this.ask(libc::PTRACE_ATTACH, 0, 0);
        assert_eq!(this.wait(), libc::SIGSTOP);
        this
    }

    /// Calls of a function of the program, from that library.
    pub(crate) fn stop_at_calls_of(&mut self, function: &str, library: &str) {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.pid)).expect("the maps");
        let range = |line: &str| {
            let (from, to) = line.split_once(' ')?.0.split_once('-')?;
            Some((u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?))
        };
        self.callers = maps.lines().filter(|line| line.ends_with(library)).filter_map(range).collect();
        assert!(!self.callers.is_empty(), "{library} is not loaded");
        // Not what /proc says that runs: a loader of another release may have been started with it.
        let of_program = maps.lines().find(|line| line.ends_with("/nginx")).expect("nginx is mapped");
        let (base, _) = range(of_program).expect("a mapping");
        let path = of_program.find('/').and_then(|at| of_program.get(at..)).expect("a path");
        let file = fs::read(path).expect("the program");
        let address = base + address_of(&file, function);
        let word = self.word(address);
        self.write(address, (word & !0xff) | c_long::from(TRAP));
        self.stop = Some((address, word));
    }

    /// Runs until it is called, and takes the stop away.
    pub(crate) fn run_to_the_call(&mut self) {
        let (address, word) = self.stop.take().expect("a place to stop at");
        loop {
            self.ask(libc::PTRACE_CONT, 0, 0);
            assert_eq!(self.wait(), libc::SIGTRAP, "it stops at the call");
            let mut registers = self.registers();
            registers.rip = address;
            self.set_registers(&registers);
            self.write(address, word);
            let caller = self.word(registers.rsp).cast_unsigned();
            if self.callers.iter().any(|(from, to)| (*from..*to).contains(&caller)) {
                return;
            }
            self.step(1);
            self.write(address, (word & !0xff) | c_long::from(TRAP));
        }
    }

    pub(crate) fn step(&mut self, instructions: usize) {
        for _ in 0..instructions {
            self.ask(libc::PTRACE_SINGLESTEP, 0, 0);
            assert_eq!(self.wait(), libc::SIGTRAP, "it goes on step by step");
        }
    }

    pub(crate) fn kill(self) {
        // SAFETY: a process of ours.
        assert_eq!(unsafe { libc::kill(self.pid, libc::SIGKILL) }, 0);
        let mut status = 0;
        // SAFETY: a place for the status. It may be gone already.
        unsafe { libc::waitpid(self.pid, &raw mut status, libc::__WALL) };
    }

    fn word(&self, address: u64) -> c_long {
        // The file: a word of the request itself may be -1.
        let mut file = fs::File::open(format!("/proc/{}/mem", self.pid)).expect("the memory");
        let mut bytes = [0; 8];
        file.seek(SeekFrom::Start(address)).and_then(|_| file.read_exact(&mut bytes)).expect("memory");
        c_long::from_le_bytes(bytes)
    }

    fn write(&self, address: u64, word: c_long) {
        self.ask(libc::PTRACE_POKETEXT, address, word.cast_unsigned());
    }

    fn registers(&self) -> libc::user_regs_struct {
        // SAFETY: all of it is numbers.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        self.ask(libc::PTRACE_GETREGS, 0, (&raw mut registers) as u64);
        registers
    }

    fn set_registers(&self, registers: &libc::user_regs_struct) {
        self.ask(libc::PTRACE_SETREGS, 0, ptr::from_ref(registers) as u64);
    }

    fn ask(&self, request: libc::c_uint, address: u64, data: u64) {
        // SAFETY: a process of ours; what `data` leads to lives until the call is over.
        let result = unsafe { libc::ptrace(request, self.pid, address as *mut c_void, data as *mut c_void) };
        assert!(result != -1, "ptrace {request}: {}", Error::last_os_error());
    }

    /// The signal that it stopped with.
    fn wait(&self) -> i32 {
        let mut status = 0;
        // SAFETY: a place for the status.
        let found = unsafe { libc::waitpid(self.pid, &raw mut status, libc::__WALL) };
        assert!(found == self.pid && libc::WIFSTOPPED(status), "it is not stopped: {status:#x}");
        libc::WSTOPSIG(status)
    }
}

/// The function's address in an ELF file for 64 bits, from the symbols that it exports.
fn address_of(file: &[u8], function: &str) -> u64 {
    let at = |offset: usize, size: usize| {
        let bytes = file.get(offset..offset + size).expect("an ELF file");
        bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let place = |offset: usize, size: usize| usize::try_from(at(offset, size)).expect("64 bits");
    let (sections, size, count) = (place(0x28, 8), place(0x3a, 2), place(0x3c, 2));
    let section = |number: usize| sections + number * size;
    const EXPORTED: u64 = 11;
    let symbols = (0..count).map(section).find(|section| at(section + 4, 4) == EXPORTED);
    let symbols = symbols.expect("exported symbols");
    let names = place(section(place(symbols + 0x28, 4)) + 0x18, 8);
    let (begin, length) = (place(symbols + 0x18, 8), place(symbols + 0x20, 8));
    let wanted = [function.as_bytes(), b"\0"].concat();
    const AT_ANY_ADDRESS: u64 = 3;
    assert_eq!(at(0x10, 2), AT_ANY_ADDRESS, "a program that is loaded anywhere");
    let found = (begin..begin + length)
        .step_by(24)
        .find(|symbol| file.get(names + place(*symbol, 4)..).is_some_and(|name| name.starts_with(&wanted)));
    at(found.unwrap_or_else(|| panic!("no {function}")) + 8, 8)
}
