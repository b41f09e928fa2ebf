from dict_store import DictStore
from itagflow.testing import StoreContract
class TestDictStore(StoreContract):
    def open_store(self): return DictStore(backwards=True)
