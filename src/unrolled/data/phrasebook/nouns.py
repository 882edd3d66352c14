"""The nouns: things with their counters and classes, people, and places.

>>> THINGS["umbrella"].ja, THINGS["umbrella"].counter
('傘', '本')
>>> people("teacher")[0].ja
'先生'
"""

from functools import cache
from typing import NamedTuple

from unrolled.data.phrasebook.english import Subject


class Thing(NamedTuple):
    """A thing: English singular and plural ("" where it isn't counted), Japanese, counter, classes, and a measure.

    A name that begins with "the" is always definite: the newspaper, the piano.
    """

    en: str
    many: str
    ja: str
    counter: str
    classes: tuple[str, ...]
    measure: str


class Person(NamedTuple):
    """Somebody: as subject and object, whose, the pronoun for later, the Japanese, and the group they belong to."""

    en: str
    ja: str
    agrees: str
    him: str
    his: str
    he: str
    group: str
    key: str

    @property
    def subject(self) -> Subject:
        """The person as the subject of a clause."""
        return Subject(self.en, self.agrees)

    @property
    def again(self) -> Subject:
        """The person as the subject of a later clause: a pronoun."""
        return Subject(self.he, self.agrees)


class Place(NamedTuple):
    """A place: English with its article and preposition where things are done there, Japanese, classes."""

    en: str
    at: str
    ja: str
    classes: tuple[str, ...]

    @property
    def to(self) -> str:
        """Where one goes: "to the park", "home"."""
        return self.en if self.en == "home" else f"to {self.en}"


_THINGS = """
apple|apples|りんご|つ|food fruit shop
orange|oranges|オレンジ|つ|food fruit shop
banana|bananas|バナナ|本|food fruit shop
peach|peaches|桃|つ|food fruit shop
egg|eggs|卵|つ|food kitchen
sandwich|sandwiches|サンドイッチ|つ|food dish
cake||ケーキ||food sweet|piece:つ
pizza||ピザ||food dish|slice:枚
bread||パン||food kitchen|slice:枚
rice ball|rice balls|おにぎり|つ|food dish
ramen||ラーメン||food dish hot|bowl:杯
curry||カレー||food dish hot
sushi||寿司||food dish
salad||サラダ||food dish
chocolate||チョコレート||food sweet
ice cream||アイスクリーム||food sweet coldfood
vegetable|vegetables|野菜||food kitchen shop plural
fish||魚||food kitchen
coffee||コーヒー||drink hotdrink|cup:杯
tea||お茶||drink hotdrink|cup:杯
black tea||紅茶||drink hotdrink|cup:杯
milk||牛乳||drink colddrink kitchen|glass:杯
water||水||drink colddrink|glass:杯
orange juice||オレンジジュース||drink colddrink|glass:杯
beer||ビール||drink alcohol|glass:杯
wine||ワイン||drink alcohol|glass:杯
book|books|本|冊|reading print
novel|novels|小説|冊|reading print writing
magazine|magazines|雑誌|冊|reading print
comic book|comic books|漫画|冊|reading print
dictionary|dictionaries|辞書|冊|print tool
the newspaper||新聞||daily
letter|letters|手紙|通|mail writing
e-mail|e-mails|メール|通|mail writing
report|reports|レポート||writing
postcard|postcards|はがき|枚|mail writing
movie|movies|映画|本|watching
drama|dramas|ドラマ||watching
baseball game|baseball games|野球の試合||watching
soccer game|soccer games|サッカーの試合||watching
TV||テレビ||screen
the news||ニュース||screen
music||音楽||listening
the radio||ラジオ||listening
classical music||クラシック音楽||listening
jazz||ジャズ||listening
the piano||ピアノ||played
the guitar||ギター||played
the violin||バイオリン||played
tennis||テニス||sport
soccer||サッカー||sport
baseball||野球||sport
basketball||バスケットボール||sport
English||英語||language
Japanese||日本語||language
French||フランス語||language
Chinese||中国語||language
Spanish||スペイン語||language
math||数学||subject
history||歴史||subject
science||科学||subject
train|trains|電車|本|vehicle
bus|buses|バス|台|vehicle
taxi|taxis|タクシー|台|vehicle
the subway||地下鉄||vehicle
bicycle|bicycles|自転車|台|own ride
car|cars|車|台|own
shirt|shirts|シャツ|枚|clothes kiru
coat|coats|コート|着|clothes kiru warm
sweater|sweaters|セーター|枚|clothes kiru warm
kimono|kimonos|着物|着|clothes kiru
skirt|skirts|スカート|枚|clothes haku
hat|hats|帽子|つ|clothes kaburu
dog|dogs|犬|匹|animal pet
cat|cats|猫|匹|animal pet
rabbit|rabbits|うさぎ|匹|animal pet
bird|birds|鳥|羽|animal wild
horse|horses|馬|頭|animal wild
pen|pens|ペン|本|goods tool small
pencil|pencils|鉛筆|本|goods tool small
umbrella|umbrellas|傘|本|goods small
notebook|notebooks|ノート|冊|goods small
stamp|stamps|切手|枚|postal
ticket|tickets|切符|枚|paper
camera|cameras|カメラ|台|goods machine small
computer|computers|パソコン|台|goods machine
cell phone|cell phones|携帯電話|台|goods machine small
watch|watches|腕時計|つ|goods small
bag|bags|かばん|つ|goods small
key|keys|鍵|本|own small
wallet|wallets|財布|つ|goods small
map|maps|地図|枚|goods tool paper
chair|chairs|椅子|脚|furniture
desk|desks|机||furniture
flower|flowers|花|本|gift
picture|pictures|絵|枚|art
photo|photos|写真|枚|photo
box|boxes|箱|つ|goods
plate|plates|皿|枚|dishware
cup|cups|カップ|つ|dishware
knife|knives|ナイフ|本|dishware
room|rooms|部屋||room
window|windows|窓||opening
door|doors|ドア||opening
light|lights|電気||electric
air conditioner|air conditioners|エアコン||electric
question|questions|質問||lesson
answer|answers|答え||lesson
song|songs|歌|曲|song
house|houses|家|軒|building
"""

_PEOPLE = """
I|私|1s|me|my|I|me|i
we|私たち|1p|us|our|we|we|we
he|彼|3s|him|his|he|he|he
she|彼女|3s|her|her|she|she|she
they|彼ら|3p|them|their|they|they|they
Tom|トム|3s|him|his|he|name|tom
Mary|メアリー|3s|her|her|she|name|mary
Ken|ケン|3s|him|his|he|name|ken
Yumi|ユミ|3s|her|her|she|name|yumi
Mr. Tanaka|田中さん|3s|him|his|he|name|mr-tanaka
Ms. Tanaka|田中さん|3s|her|her|she|name|ms-tanaka
Ms. Sato|佐藤さん|3s|her|her|she|name|ms-sato
Mr. Suzuki|鈴木さん|3s|him|his|he|name|mr-suzuki
Mr. Smith|スミスさん|3s|him|his|he|name|mr-smith
my father|父|3s|him|his|he|kin|father
my mother|母|3s|her|her|she|kin|mother
my brother|兄|3s|him|his|he|kin|brother
my brother|弟|3s|him|his|he|kin|brother
my older brother|兄|3s|him|his|he|kin|brother
my younger brother|弟|3s|him|his|he|kin|brother
my sister|姉|3s|her|her|she|kin|sister
my sister|妹|3s|her|her|she|kin|sister
my older sister|姉|3s|her|her|she|kin|sister
my younger sister|妹|3s|her|her|she|kin|sister
my grandfather|祖父|3s|him|his|he|kin|grandfather
my grandmother|祖母|3s|her|her|she|kin|grandmother
my friend|友達|3s|him|his|he|friend|friend
my friend|友達|3s|her|her|she|friend|friend
my friend Ken|友達のケン|3s|him|his|he|friend|friend
my friend Mary|友達のメアリー|3s|her|her|she|friend|friend
my uncle|おじ|3s|him|his|he|kin|uncle
my aunt|おば|3s|her|her|she|kin|aunt
my cousin|いとこ|3s|her|her|she|kin|cousin
my cousin|いとこ|3s|him|his|he|kin|cousin
the teacher|先生|3s|her|her|she|role|teacher
the teacher|先生|3s|him|his|he|role|teacher
my boss|上司|3s|him|his|he|role|boss
the manager|店長|3s|him|his|he|role|manager
my neighbor|隣の人|3s|her|her|she|role|neighbor
the doctor|医者|3s|her|her|she|role|doctor
the nurse|看護師|3s|her|her|she|role|nurse
the lawyer|弁護士|3s|him|his|he|role|lawyer
the police officer|警察官|3s|him|his|he|role|officer
the students|学生たち|3p|them|their|they|role|students
the children|子供たち|3p|them|their|they|role|children
"""

_PLACES = """
school|at school|学校|study daily
the library|at the library|図書館|study town quiet
the station|at the station|駅|meet town
the park|in the park|公園|outdoor lawn town meet
the hospital|at the hospital|病院|town care
the bank|at the bank|銀行|town
the post office|at the post office|郵便局|town postal
the supermarket|at the supermarket|スーパー|town food
the convenience store|at the convenience store|コンビニ|town food
the bookstore|at the bookstore|本屋|town print
the department store|at the department store|デパート|town goods
the restaurant|at the restaurant|レストラン|town eat dine meet
the cafe|at the cafe|喫茶店|town eat study meet tea
the museum|at the museum|美術館|town sight
the zoo|at the zoo|動物園|town sight
the university|at the university|大学|study
the office|at the office|会社|daily
home|at home|家|home
the kitchen|in the kitchen|台所|inside cooking
the living room|in the living room|居間|inside living
the garden|in the garden|庭|inside green
the beach|on the beach|海岸|outdoor trip
the pool|at the pool|プール|swim
the sea|in the sea|海|swim trip
the airport|at the airport|空港|far meet
the hotel|at the hotel|ホテル|far
the temple|at the temple|お寺|sight
Tokyo|in Tokyo|東京|city
Osaka|in Osaka|大阪|city
Kyoto|in Kyoto|京都|city
Sapporo|in Sapporo|札幌|city
Hiroshima|in Hiroshima|広島|city
London|in London|ロンドン|abroad
Paris|in Paris|パリ|abroad
New York|in New York|ニューヨーク|abroad
China|in China|中国|abroad country
France|in France|フランス|abroad country
Canada|in Canada|カナダ|abroad country
America|in America|アメリカ|abroad country
"""


def _rows(table: str) -> list[list[str]]:
    return [line.split("|") for line in table.strip().splitlines()]


THINGS: dict[str, Thing] = {
    row[0]: Thing(row[0], row[1], row[2], row[3], tuple(row[4].split()), row[5] if len(row) > 5 else "")
    for row in _rows(_THINGS)
}
PEOPLE: tuple[Person, ...] = tuple(Person(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]) for r in _rows(_PEOPLE))
PLACES: tuple[Place, ...] = tuple(Place(r[0], r[1], r[2], tuple(r[3].split())) for r in _rows(_PLACES))


@cache
def things(*classes: str) -> tuple[Thing, ...]:
    """All things of any of these classes."""
    return tuple(thing for thing in THINGS.values() if set(classes) & set(thing.classes))


@cache
def people(*wanted: str) -> tuple[Person, ...]:
    """All people of any of these groups or keys."""
    return tuple(person for person in PEOPLE if person.group in wanted or person.key in wanted)


@cache
def places(*classes: str) -> tuple[Place, ...]:
    """All places of any of these classes."""
    return tuple(place for place in PLACES if set(classes) & set(place.classes))
