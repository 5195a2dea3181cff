from tests.pages.conftest import run_page, store_fleet, texts
def test_x(user):
    i=store_fleet(user, "A *fleet*")
    t = run_page("datasets", user)
    print(texts(t))
    for v in ("Overview","Batteries","Split","Labels","Manage"):
        t = run_page("datasets", user, {"dataset": i, "view": v})
        print(v, texts(t)[-300:], [b.label for b in t.button])
