#include "http/edge/content_coding.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

#include <map>
#include <memory>
#include <random>
#include <string>

#include "http/edge/limits.hpp"

namespace factory {
namespace {

std::string zstd(std::string_view plain) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 1));
  return packed;
}

std::string noise(std::size_t count) {
  std::mt19937 random(5);
  std::string bytes(count, '\0');
  for (char& c : bytes) c = static_cast<char>(random() % 23);
  return bytes;
}

using fields = std::map<std::string, std::string, std::less<>>;

struct content_coding : ::testing::Test {
  http_response ask(fields with, std::string_view body = {}, http_method method = http_method::post) {
    http_request request;
    request.method = method;
    request.path = "/p";
    request.body = body;
    request.header = [&with](std::string_view name) {
      const auto found = with.find(name);
      return found == with.end() ? std::string_view() : std::string_view(found->second);
    };
    return with_content_coding(inner, [](http_method, std::string_view) { return 1'000'000UL; })(request);
  }
  static std::string field(const http_response& answer, std::string_view name) {
    for (const auto& [key, value] : answer.headers) {
      if (key == name) return value;
    }
    return "";
  }

  int asked = 0;
  std::string answered = std::string(limits::worth_packing_bytes, 'a');
  http_handler inner = [this](const http_request& request) {
    ++asked;
    return http_response{200, "text/plain", request.method == http_method::post ? std::string(request.body) : answered};
  };
};

TEST_F(content_coding, bodies_reach_the_handler_unpacked) {
  for (const std::string& plain : {std::string("a body"), noise(999'999), std::string(1'000'000, 'x')}) {
    EXPECT_TRUE(ask({{"Content-Encoding", "gzip"}}, gzip(plain)).body == plain);
    EXPECT_TRUE(ask({{"Content-Encoding", "ZSTD"}}, zstd(plain)).body == plain);
    EXPECT_TRUE(ask({{"Content-Encoding", "identity"}}, plain).body == plain);
  }
}

/// `whole` in pieces of 10,000 bytes.
struct cut_up final : body_source {
  explicit cut_up(std::string of) : whole(std::move(of)) {}
  expected<bool> next(std::string& out) override {
    out += whole.substr(at, 10'000);
    at += 10'000;
    return at < whole.size();
  }
  std::string whole;
  std::size_t at = 0;
};

TEST_F(content_coding, an_answer_in_pieces_is_packed_as_it_goes) {
  const std::string plain = noise(2'000'000);
  inner = [&](const http_request&) {
    http_response answer;
    answer.source = std::make_shared<cut_up>(plain);
    return answer;
  };
  for (const std::string accepted : {"gzip", "identity"}) {
    const http_response answer = ask({{"Accept-Encoding", accepted}}, {}, http_method::get);
    std::string sent;
    for (bool more = true; more;) {
      const std::size_t before = sent.size();
      more = *answer.source->next(sent);
      EXPECT_LT(sent.size() - before, 50'000U) << "nothing is kept back for long";
    }
    EXPECT_EQ(field(answer, "ETag"), "");
    EXPECT_EQ(field(answer, "Vary"), "Accept, Accept-Encoding");
    EXPECT_EQ(field(answer, "Content-Encoding"), accepted == "gzip" ? "gzip" : "");
    const auto back = unpack(accepted == "gzip" ? coding::gzip : coding::identity, sent, plain.size());
    ASSERT_TRUE(back);
    EXPECT_TRUE(back->view() == plain);
  }
}

TEST_F(content_coding, files_of_several_members_or_frames_are_one_body) {
  EXPECT_EQ(ask({{"Content-Encoding", "gzip"}}, gzip("one ") + gzip("") + gzip("two")).body, "one two");
  EXPECT_EQ(ask({{"Content-Encoding", "zstd"}}, zstd("one ") + zstd("two")).body, "one two");
}

TEST_F(content_coding, what_unpacks_to_more_than_the_route_takes_is_413) {
  const std::string bomb(20UL << 20, '\0');
  for (const auto& [name, packed] : {std::pair{"gzip", gzip(bomb)}, std::pair{"zstd", zstd(bomb)}}) {
    EXPECT_LT(packed.size(), 1'000'000U);
    EXPECT_EQ(ask({{"Content-Encoding", name}}, packed).status, 413U) << name;
    EXPECT_EQ(ask({{"Content-Encoding", name}}, packed).status, 413U) << name;
  }
  EXPECT_EQ(ask({{"Content-Encoding", "gzip"}}, gzip(std::string(1'000'001, 'x'))).status, 413U);
  EXPECT_EQ(asked, 0);
}

TEST_F(content_coding, a_damaged_or_cut_body_is_400) {
  const std::string plain = noise(5'000);
  for (const auto& [name, packed] : {std::pair{"gzip", gzip(plain)}, std::pair{"zstd", zstd(plain)}}) {
    for (std::size_t length = 1; length < packed.size(); length += 61)
      EXPECT_EQ(ask({{"Content-Encoding", name}}, packed.substr(0, length)).status, 400U) << name << " cut at " << length;
    EXPECT_EQ(ask({{"Content-Encoding", name}}, packed + "more").status, 400U) << name;
    EXPECT_EQ(ask({{"Content-Encoding", name}}, plain).status, 400U) << name;
  }
  std::string flipped = gzip(plain);
  flipped[flipped.size() - 6] ^= 1;  // its checksum
  EXPECT_EQ(ask({{"Content-Encoding", "gzip"}}, flipped).status, 400U);
  EXPECT_EQ(asked, 0);
}

TEST_F(content_coding, another_coding_or_several_are_415_and_the_answer_says_what_is_taken) {
  for (const char* name : {"br", "deflate", "gzip, gzip", "gzipx", "chunked"}) {
    const http_response answer = ask({{"Content-Encoding", name}}, "x");
    EXPECT_EQ(answer.status, 415U) << name;
    EXPECT_EQ(field(answer, "Accept-Encoding"), "gzip, zstd");
  }
}

TEST_F(content_coding, answers_are_packed_for_who_takes_gzip_and_only_when_large) {
  const http_response packed = ask({{"Accept-Encoding", "br, gzip;q=0.5"}}, {}, http_method::get);
  EXPECT_EQ(field(packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(field(packed, "Vary"), "Accept, Accept-Encoding");
  const auto plain = unpack(coding::gzip, packed.body, 1'000'000);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->view(), answered);
  EXPECT_EQ(field(ask({}, {}, http_method::get), "Content-Encoding"), "");
  answered.pop_back();
  EXPECT_EQ(field(ask({{"Accept-Encoding", "gzip"}}, {}, http_method::get), "Content-Encoding"), "");
}

TEST_F(content_coding, an_accept_encoding_is_read_with_its_weights) {
  for (const char* yes :
       {"gzip", "GZIP", "deflate, gzip", "*", "gzip;q=0.001", "br;q=1.0, gzip;q=0.8, *;q=0", "identity;q=0.5, gzip"})
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  for (const char* no : {"", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "gzipx", "*, gzip;q=0", "identity, gzip;q=0.5"})
    EXPECT_FALSE(accepts_gzip(no)) << no;
}

TEST_F(content_coding, what_the_client_has_already_is_304_without_body) {
  const http_response first = ask({}, {}, http_method::get);
  const std::string tag = field(first, "ETag");
  ASSERT_TRUE(tag.starts_with("W/\"")) << tag;
  for (const std::string& known : {tag, "\"x\", " + tag, tag.substr(2), std::string("*")}) {
    const http_response again = ask({{"If-None-Match", known}, {"Accept-Encoding", "gzip"}}, {}, http_method::get);
    EXPECT_EQ(again.status, 304U) << known;
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(field(again, "ETag"), tag);
  }
  answered.back() = 'b';
  EXPECT_EQ(ask({{"If-None-Match", tag}}, {}, http_method::get).status, 200U);
}

TEST_F(content_coding, an_answer_under_way_is_packed_when_it_is_whole) {
  inner = [](const http_request&) {
    http_response answer;
    answer.finish = [](http_response& whole) { whole.body = std::string(5'000, 'z'); };
    return answer;
  };
  http_response answer = ask({{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(answer.body, "");
  answer = complete(std::move(answer));
  EXPECT_EQ(field(answer, "Content-Encoding"), "gzip");
  EXPECT_LT(answer.body.size(), 100U);
}

}  // namespace
}  // namespace factory
