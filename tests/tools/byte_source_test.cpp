#include "replay/byte_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <fstream>
#include <random>

#include "process/child_process.hpp"
#include "replay/text_window.hpp"

namespace factory::replay {
namespace {

std::string gzip_of(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(compressBound(text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd_of(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string utf16_of(std::u16string_view text, bool big) {
  std::string out;
  for (const char16_t unit : text) {
    const char low = static_cast<char>(unit & 0xFFU), high = static_cast<char>(unit >> 8U);
    out += big ? high : low;
    out += big ? low : high;
  }
  return out;
}

std::string some_text() {
  std::mt19937 random(1);
  std::string out;
  while (out.size() < 3'000'000) out += std::to_string(random() % 100'000) + ",";
  return out;
}

class byte_source_files : public testing::Test {
 protected:
  std::string file(std::string_view bytes) {
    const auto path = folder_.path() / "file";
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }
  expected<std::string> read_all(const std::string& path, std::size_t room = 100'000) {
    auto source = byte_source::open(path);
    if (!source) return tl::unexpected(source.error());
    std::string out, part(room, '\0');
    for (;;) {
      const auto got = (*source)->read(part.data(), room);
      if (!got) return tl::unexpected(got.error());
      if (*got == 0) return out;
      out.append(part, 0, *got);
    }
  }
  temp_directory folder_{"byte_source"};
};

TEST_F(byte_source_files, plain_gzip_and_zstd_files_give_the_same_text) {
  const std::string text = some_text();
  for (const std::size_t room : {1'000UL, 100'000UL, 10'000'000UL}) {
    EXPECT_EQ(read_all(file(text), room), text);
    EXPECT_EQ(read_all(file(gzip_of(text)), room), text);
    EXPECT_EQ(read_all(file(zstd_of(text)), room), text);
  }
}

TEST_F(byte_source_files, files_one_behind_the_other_are_one_text) {
  EXPECT_EQ(read_all(file(gzip_of("one ") + gzip_of("two"))), "one two");
  EXPECT_EQ(read_all(file(zstd_of("one ") + zstd_of("two"))), "one two");
}

TEST_F(byte_source_files, an_empty_file_is_an_empty_text) {
  EXPECT_EQ(read_all(file("")), "");
  EXPECT_EQ(read_all(file(gzip_of(""))), "");
  EXPECT_EQ(read_all(file(zstd_of(""))), "");
}

TEST_F(byte_source_files, a_compressed_file_cut_anywhere_is_damaged) {
  const std::string text = some_text().substr(0, 20'000);
  for (const std::string& whole : {gzip_of(text), zstd_of(text)}) {
    for (std::size_t size = 5; size < whole.size(); size += 97) {
      const auto got = read_all(file(whole.substr(0, size)));
      ASSERT_FALSE(got) << size;
      EXPECT_EQ(got.error().code, errc::malformed);
    }
  }
}

TEST_F(byte_source_files, a_changed_byte_in_gzip_data_is_found) {
  std::string bytes = gzip_of(some_text());
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] + 1);
  EXPECT_FALSE(read_all(file(bytes)));
}

TEST_F(byte_source_files, what_cannot_be_opened_says_why) {
  EXPECT_THAT(read_all(folder_.path() / "missing").error().message, testing::HasSubstr("No such file"));
  EXPECT_THAT(read_all(folder_.path()).error().message, testing::HasSubstr("is a folder"));
}

TEST_F(byte_source_files, a_window_slides_over_the_text) {
  const std::string text = some_text();
  auto source = byte_source::open(file(text));
  ASSERT_TRUE(source);
  text_window window(**source);
  std::string seen;
  std::mt19937 random(2);
  while (!window.last() || !window.view().empty()) {
    ASSERT_TRUE(window.need(1 + random() % 50'000));
    const std::size_t size = std::min<std::size_t>(window.view().size(), random() % 60'000);
    ASSERT_EQ(window.offset(), seen.size());
    seen += window.view().substr(0, size);
    window.take(size);
  }
  EXPECT_EQ(seen, text);
}

TEST_F(byte_source_files, a_window_skips_ahead_and_not_past_the_end) {
  auto source = byte_source::open(file(gzip_of("0123456789")));
  text_window window(**source);
  ASSERT_TRUE(window.skip_to(7));
  ASSERT_TRUE(window.need(100));
  EXPECT_EQ(window.view(), "789");
  EXPECT_FALSE(window.skip_to(11));
}

TEST_F(byte_source_files, what_zstd_skips_is_skipped) {
  const std::string text = some_text();
  const std::string skippable = std::string("\x5A\x2A\x4D\x18\x04\0\0\0abcd", 12);
  EXPECT_EQ(read_all(file(skippable + zstd_of(text))), text);
  EXPECT_EQ(read_all(file(zstd_of("a") + skippable + zstd_of("b") + skippable)), "ab");
}

TEST_F(byte_source_files, utf_16_becomes_utf_8) {
  std::u16string text = u"\uFEFFtime;Stra\u00DFe \u20AC \U0001F600\n";
  std::string expected =
      "time;Stra\xC3\x9F"
      "e \xE2\x82\xAC \xF0\x9F\x98\x80\n";
  for (int i = 0; i < 15; ++i) text += text.substr(1), expected += expected;
  for (const bool big : {false, true}) {
    const std::string stored = utf16_of(text, big);
    for (const std::size_t room : {1UL, 4096UL, 1UL << 20}) EXPECT_EQ(read_all(file(stored), room), expected);
    EXPECT_EQ(read_all(file(gzip_of(stored))), expected);
    EXPECT_EQ(read_all(file(stored + "x")).error().code, errc::malformed);
  }
  EXPECT_EQ(read_all(file(utf16_of(std::u16string(u"\uFEFFa") + char16_t(0xDC00), false))).error().code, errc::malformed);
  EXPECT_EQ(read_all(file("\xFF")), "\xFF");
}

}  // namespace
}  // namespace factory::replay
