#include "worker/handlers/router.h"

#include <gtest/gtest.h>

#include "common/config_load.h"

namespace windlass {
namespace {

class RouterTest : public testing::Test {
 protected:
  RouterTest() : config_(*LoadConfig({})) {
    HandlerConfig images;
    images.name = "images";
    images.builtin = "echo";
    images.content_type = "image/png";
    config_.handlers.push_back(images);
    ListenerConfig line;
    line.protocol = Protocol::kLine;
    config_.listeners.push_back(line);
    line.handler = "binary";
    config_.listeners.push_back(line);
    ListenerConfig fallback;
    fallback.handler = "burn";
    config_.listeners.push_back(fallback);
    router_ = std::make_unique<Router>(config_);
  }

  Route Find(absl::string_view handler, absl::string_view type, absl::string_view encoding,
             std::optional<std::string> content, uint32_t listener = 0) {
    if (content) content->append(64, '\0');
    RouteQuery query{listener, handler, type, encoding, false, std::nullopt};
    if (content) query.content = absl::string_view(content->data(), content->size() - 64);
    return router_->Find(query);
  }
  std::string NameOf(const Route& route) {
    return route.kind == Route::Kind::kRun ? config_.handlers[route.handler].name : "(none)";
  }

  Config config_;
  std::unique_ptr<Router> router_;
};

TEST_F(RouterTest, HeaderHandlerComesFirst) {
  EXPECT_EQ(NameOf(Find("echo", "text/json", "utf-8", R"({"action": "search"})")), "echo");
}

TEST_F(RouterTest, UnknownHandlerIsNotFound) {
  const Route route = Find("nothing", "x/y", "binary", "");
  EXPECT_EQ(route.kind, Route::Kind::kRefuse);
  EXPECT_EQ(route.code, ErrorCode::kNotFound);
}

TEST_F(RouterTest, ActionOfJsonContentNamesTheHandler) {
  EXPECT_EQ(NameOf(Find("", "text/json", "utf-8", R"({"action": "burn"})")), "burn");
  EXPECT_EQ(NameOf(Find("", "text/json", "UTF8", R"({"action": "search"})")), "search");
}

TEST_F(RouterTest, ThenTheContentTypeThenTheListenersHandlerThenBinary) {
  EXPECT_EQ(NameOf(Find("", "image/png", "binary", "png")), "images");
  EXPECT_EQ(NameOf(Find("", "x/y", "binary", "opaque", 3)), "burn");
  EXPECT_EQ(NameOf(Find("", "text/json", "utf-8", "{}", 3)), "burn");
  EXPECT_EQ(NameOf(Find("", "x/y", "binary", "opaque")), "binary");
}

TEST_F(RouterTest, JsonWithoutAnyHandlerIsAnInvalidAction) {
  EXPECT_EQ(Find("", "text/json", "utf-8", "{}").kind, Route::Kind::kInvalidAction);
  EXPECT_EQ(Find("", "text/json", "utf-8", R"({"action": "jump"})").message,
            R"({"result": "Error: invalid action 'jump'."})");
}

TEST_F(RouterTest, LeavesLargeAndForeignContentToThePool) {
  const std::string large =
      R"({"action": "search", "p": ")" + std::string(Router::kMaxPeekBytes, 'p') + "\"}";
  EXPECT_EQ(Find("", "text/json", "utf-8", large).kind, Route::Kind::kResolve);
  EXPECT_EQ(Find("", "text/json", "utf-16", "{}").kind, Route::Kind::kResolve);
  EXPECT_EQ(Find("", "text/json", "utf-8", std::nullopt).kind, Route::Kind::kResolve);
}

TEST_F(RouterTest, LinesAreEchoedInlineUnlessTheListenerNamesAnotherHandler) {
  EXPECT_EQ(Find("", "", "", "line", 1).kind, Route::Kind::kInline);
  EXPECT_EQ(NameOf(Find("", "", "", "line", 2)), "binary");
}

}  // namespace
}  // namespace windlass
