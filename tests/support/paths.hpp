#pragma once

#include <filesystem>
#include <string>

// Where things lie that tests read or start. They are known to paths.cpp alone: objects of the tests that name no place are the same in
// every checkout, so that a compiler cache serves them all.
namespace factory::test {

/// A file of this checkout, from its root: "docs/reference/alarms.md".
std::string source_file(const std::string& name);
/// Data that lie beside the checkout and are no part of it; a test that needs them skips where they are not.
std::filesystem::path shared_data(const std::string& name = {});
/// A program of this build.
std::string program(const std::string& name);
/// What LD_PRELOAD needs for the faulty disk (tests/integration/disk_shim).
std::string disk_shim();

}  // namespace factory::test
