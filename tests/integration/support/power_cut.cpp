#include "integration/support/power_cut.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>

#include "integration/disk_shim/disk_shim.hpp"

namespace factory::test {

namespace fs = std::filesystem;
using shim::op;

namespace {

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct change {
  bool truncation;
  std::uint64_t offset;  // of a truncation the new size
  std::string_view data;

  void apply(std::string& to, std::size_t first_bytes = SIZE_MAX) const {
    if (truncation) return to.resize(offset);
    const std::string_view part = data.substr(0, first_bytes);
    if (to.size() < offset + part.size()) to.resize(offset + part.size());
    std::memcpy(to.data() + offset, part.data(), part.size());
  }
};

struct file {
  std::string synced;
  std::vector<change> pending;
  bool is_directory = false;
};
using file_ptr = std::shared_ptr<file>;
using names = std::map<std::string, file_ptr>;

struct name_change {
  std::string gone, made;  // either may be empty
  file_ptr what;

  void apply(names& to) const {
    if (!gone.empty()) to.erase(gone);
    if (!made.empty()) to[made] = what;
  }
};

std::string parent_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

}  // namespace

/// The directory during a walk through the record: as the daemon saw it, and as the disk certainly has it.
struct disk_record::state {
  const disk_record& from;
  names now, synced;
  std::map<std::string, std::vector<name_change>> pending;  // by directory
  std::map<int, std::string> open_names;
  std::map<int, file_ptr> open_files;

  explicit state(const disk_record& record) : from(record) {
    for (const auto& [name, content] : record.before_) {
      now[name] = std::make_shared<file>(file{content, {}, false});
      for (std::string up = parent_of(name); !up.empty(); up = parent_of(up)) now[up] = directory();
    }
    synced = now;
  }
  static file_ptr directory() { return std::make_shared<file>(file{{}, {}, true}); }

  std::string inside(std::string_view path) const {
    return std::string(path.substr(std::min(path.size(), from.directory_.size() + 1)));
  }
  void rename(name_change what) {
    what.apply(now);
    pending[parent_of(what.made.empty() ? what.gone : what.made)].push_back(std::move(what));
  }
  void sync(int fd) {
    const std::string& name = open_names[fd];
    const file_ptr& it = open_files[fd];
    if (!it || it->is_directory) {
      for (const name_change& each : pending[name]) each.apply(synced);
      pending[name].clear();
      return;
    }
    for (const change& each : it->pending) each.apply(it->synced);
    it->pending.clear();
  }
  void take(const shim::record_head& head, std::string_view name, std::string_view data) {
    const std::size_t zero = name.find('\0');
    const std::string first = inside(name.substr(0, zero));
    const std::string second = zero == std::string_view::npos ? "" : inside(name.substr(zero + 1));
    switch (head.what) {
      case op::create: rename({"", first, std::make_shared<file>()}); [[fallthrough]];
      case op::open:
        open_names[head.fd] = first;
        open_files[head.fd] = first.empty() ? nullptr : now.at(first);
        return;
      case op::write: open_files.at(head.fd)->pending.push_back({false, head.offset, data}); return;
      case op::truncate: open_files.at(head.fd)->pending.push_back({true, head.offset, {}}); return;
      case op::sync: return sync(head.fd);
      case op::rename: return rename({first, second, now.at(first)});
      case op::link: return rename({"", second, now.at(first)});
      case op::remove: return rename({first, "", nullptr});
      case op::make_directory:
        if (!first.empty()) rename({"", first, directory()});
        return;
    }
  }

  void survive(survival what, std::mt19937_64& random) {
    if (what == survival::nothing) return;
    for (const auto& [directory, changes] : pending) {
      const std::size_t kept = random() % (changes.size() + 1);
      for (std::size_t i = 0; i < kept; ++i) changes[i].apply(synced);
    }
    std::vector<file_ptr> files;
    for (const auto& [name, each] : synced)
      if (std::find(files.begin(), files.end(), each) == files.end()) files.push_back(each);
    for (const file_ptr& each : files) {
      const std::size_t kept = random() % (each->pending.size() + 1);
      for (std::size_t i = 0; i < each->pending.size(); ++i) {
        const change& one = each->pending[i];
        if (what == survival::any ? random() % 2 == 0 : i < kept) one.apply(each->synced);
        if (what == survival::prefix && i == kept && !one.truncation) one.apply(each->synced, random() % one.data.size());
      }
    }
  }
};

disk_record::disk_record(const fs::path& record, fs::path directory, const fs::path& before)
    : record_(read_file(record)), directory_(directory.string()) {
  if (!fs::exists(before)) return;
  for (const auto& entry : fs::recursive_directory_iterator(before))
    if (entry.is_regular_file()) before_[fs::relative(entry.path(), before).string()] = read_file(entry.path());
}

void disk_record::after_cut(std::uint64_t at, survival what, std::mt19937_64& random, const fs::path& where) const {
  state disk(*this);
  for (std::string_view rest = std::string_view(record_).substr(0, at); rest.size() >= sizeof(shim::record_head);) {
    shim::record_head head{};
    std::memcpy(&head, rest.data(), sizeof head);
    if (rest.size() < sizeof head + head.name_bytes + head.data_bytes) break;
    const std::string_view name = rest.substr(sizeof head, head.name_bytes);
    const std::string_view data = rest.substr(sizeof head + head.name_bytes, head.data_bytes);
    disk.take(head, name, data);
    rest.remove_prefix(sizeof head + name.size() + data.size());
  }
  disk.survive(what, random);
  fs::create_directories(where);
  for (const auto& [name, each] : disk.synced) {
    const std::string parent = parent_of(name);
    if (name.ends_with("-shm") || (!parent.empty() && !disk.synced.contains(parent))) continue;
    if (each->is_directory)
      fs::create_directories(where / name);
    else
      std::ofstream(where / name, std::ios::binary) << each->synced;
  }
}

}  // namespace factory::test
