"""Radicale's storage with an index of the UIDs in each collection.

Its own looks through all objects of a collection, and lists its history, for each one that is put: what is measured
with a large calendar is then that. Both are left out here; nobody else writes to the store.
"""

from radicale.storage import multifilesystem


class Collection(multifilesystem.Collection):
    uids = {}

    def has_uid(self, uid):
        if self.path not in Collection.uids:
            Collection.uids[self.path] = {item.uid for item in self.get_all()}
        return uid in Collection.uids[self.path]

    def upload(self, href, item):
        done = super().upload(href, item)
        if self.path in Collection.uids:
            Collection.uids[self.path].add(item.uid)
        return done

    def delete(self, href=None):
        Collection.uids.pop(self.path, None)
        return super().delete(href)

    def _clean_history(self):
        pass


class Storage(multifilesystem.Storage):
    _collection_class = Collection
