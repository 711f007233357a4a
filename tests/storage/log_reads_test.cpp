#include "storage/base/log_reads.hpp"

#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "storage/support/temporary_directory.hpp"

namespace factory {
namespace {

constexpr std::size_t block_bytes = 32'768;

/// A log as RocksDB opens it.
std::unique_ptr<rocksdb::FSSequentialFile> opened(const std::string& path) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  EXPECT_TRUE(checked_environment()->GetFileSystem()->NewSequentialFile(path, {}, &file, nullptr).ok());
  return file;
}

std::string read(rocksdb::FSSequentialFile& file, std::size_t bytes) {
  std::string room(bytes, '\0');
  rocksdb::Slice found;
  EXPECT_TRUE(file.Read(bytes, {}, &found, room.data(), nullptr).ok());
  return found.ToString();
}

/// Two blocks of records of 93 bytes, all of whose content reads as the type of a recycled record.
std::string two_blocks() {
  std::string block;
  while (block_bytes - block.size() >= 100)
    block += std::string(4, 'c') + std::string("\x5d\x00\x01", 3) + std::string(93, '\x05');
  block.resize(block_bytes, '\0');
  return block + block;
}

TEST(log_reads, a_copy_in_pieces_is_of_all_bytes_whatever_they_look_like) {
  const test::temporary_directory directory;
  std::filesystem::create_directories(directory.path());
  const auto path = (directory.path() / "000007.log").string();
  const auto bytes = two_blocks();
  std::ofstream(path, std::ios::binary) << bytes;
  for (const std::size_t piece : {512U, 4'096U, 5'000U, 32'768U, 65'536U}) {
    const auto file = opened(path);
    std::string copied;
    for (auto part = read(*file, piece); !part.empty(); part = read(*file, piece)) copied += part;
    EXPECT_TRUE(copied == bytes) << piece;
  }
}

TEST(log_reads, a_block_ends_before_a_record_of_a_recycled_file) {
  const test::temporary_directory directory;
  std::filesystem::create_directories(directory.path());
  const auto path = (directory.path() / "000007.log").string();
  auto bytes = two_blocks();
  bytes[block_bytes + 206] = '\x06';  // the type of the third record of the second block
  std::ofstream(path, std::ios::binary) << bytes;
  const auto file = opened(path);
  EXPECT_EQ(read(*file, block_bytes).size(), block_bytes);
  EXPECT_EQ(read(*file, block_bytes).size(), 200U);
  const auto behind = opened(path);
  EXPECT_TRUE(behind->Skip(block_bytes).ok());
  EXPECT_EQ(read(*behind, block_bytes).size(), 200U);
}

}  // namespace
}  // namespace factory
