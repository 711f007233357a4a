#include "storage/base/log_reads.hpp"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace factory {

namespace {

// A file of records is made of blocks. Each begins with the head of a record: checksum (4 bytes), length (2, little endian), type (1).
constexpr std::size_t block_bytes = 32UL << 10U, head_bytes = 7;

/// Full, first, middle, last, sizes of timestamps; 131 is the predecessor of a log since RocksDB 10.
bool of_recycled_file(unsigned type) { return (type >= 5 && type <= 8) || type == 11 || type == 131; }

/// How much of the block stands before the first record of a recycled file.
std::size_t usable_bytes(std::string_view block) {
  std::size_t at = 0;
  while (block.size() - at >= head_bytes) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(block[at + i])); };
    const std::size_t length = byte(4) | byte(5) << 8U;
    if (of_recycled_file(byte(6))) return at;
    if (head_bytes + length > block.size() - at || (length == 0 && byte(6) == 0))
      break;  // RocksDB leaves out the rest of the block
    at += head_bytes + length;
  }
  return block.size();
}

enum class record_file : std::uint8_t { log, manifest };

/// RocksDB reads records block by block, from the start of the file. What it reads in other pieces it copies, as for a snapshot: those pieces
/// begin anywhere in a record.
class checked_file : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  checked_file(std::unique_ptr<rocksdb::FSSequentialFile>&& file, record_file kind)
      : FSSequentialFileOwnerWrapper(std::move(file)), kind_(kind) {}

  rocksdb::IOStatus Read(std::size_t bytes, const rocksdb::IOOptions& options, rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* context) override {
    const rocksdb::IOStatus status = FSSequentialFileOwnerWrapper::Read(bytes, options, result, scratch, context);
    const auto offset = offset_;
    offset_ += result->size();
    if (!status.ok() || offset % block_bytes != 0 || bytes < block_bytes) return status;
    for (std::size_t begin = 0; begin < result->size(); begin += block_bytes) {
      const std::string_view block(result->data() + begin, std::min(block_bytes, result->size() - begin));
      const std::size_t usable = usable_bytes(block);
      if (usable == block.size()) continue;
      // A shorter manifest would be an older state of the database.
      if (kind_ == record_file::manifest) return rocksdb::IOStatus::Corruption("a manifest has a record of unknown type");
      *result = rocksdb::Slice(result->data(), begin + usable);
      break;
    }
    return status;
  }
  rocksdb::IOStatus Skip(std::uint64_t bytes) override {
    offset_ += bytes;
    return FSSequentialFileOwnerWrapper::Skip(bytes);
  }

 private:
  record_file kind_;
  std::uint64_t offset_ = 0;  ///< of the next byte
};

class checked_files : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "checked_files"; }

  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* opened,
                                      rocksdb::IODebugContext* context) override {
    const rocksdb::IOStatus status = FileSystemWrapper::NewSequentialFile(name, options, opened, context);
    const bool log = name.ends_with(".log");
    if (status.ok() && (log || name.find("/MANIFEST-") != std::string::npos))
      *opened = std::make_unique<checked_file>(std::move(*opened), log ? record_file::log : record_file::manifest);
    return status;
  }
};

}  // namespace

rocksdb::Env* checked_environment() {
  static rocksdb::Env* const environment =
      rocksdb::NewCompositeEnv(std::make_shared<checked_files>(rocksdb::FileSystem::Default())).release();
  return environment;
}

}  // namespace factory
